//! How to sync.

/// Which way to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Direction {
    /// Send what was done here.
    Push,
    /// Take in what others did.
    Pull,
    /// Both.
    Both,
}

impl Direction {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Both => "both",
        }
    }
}

/// How to sync.
#[derive(Clone, Debug)]
pub struct SyncSettings {
    /// Which way.
    pub direction: Direction,
    /// Operations of a batch; by how long the last ones took, where it is not given.
    pub batch_size: Option<usize>,
    /// Batches under way at a time.
    pub concurrency: usize,
    /// Batches, at most.
    pub batches: Option<usize>,
    /// All or nothing.
    pub atomic: bool,
    /// Change nothing on either side.
    pub dry_run: bool,
    /// Read every file and every document anew.
    pub force_full: bool,
    /// Delete however many are to be deleted.
    pub allow_mass_delete: bool,
    /// Count files that cannot be synced as they are among what failed.
    pub strict: bool,
}
