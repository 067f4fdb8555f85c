//! Up to where each kind of thing is purged in a run, or that it is not: a clock that jumps must not empty a database.

use std::sync::atomic::Ordering;

use super::walk::{EndedEarly, Lines, Walk};
use crate::domain::caution::{Due, judge};
use crate::domain::timestamp::Timestamp;

impl Walk<'_> {
    /// Decides about each kind.
    pub(super) fn judge_all(&mut self) -> Result<Lines, EndedEarly> {
        let config = self.purger().config.clone();
        let before = |seconds: i64| self.now().plus_seconds(-seconds);
        let (tombstones, receipts) = (before(config.tombstones_s), before(config.receipts_s));
        let (history, tokens) = (before(config.history_s), self.now());
        let (mut old_tombstones, mut old_receipts) = (Due::default(), Due::default());
        let mut after = None;
        while let Some(workspaces) = self.next_workspaces(&mut after)? {
            for workspace_id in workspaces {
                old_tombstones += self.slice(|store| store.count_old_tombstones(workspace_id, tombstones))?;
                old_receipts += self.slice(|store| store.count_old_receipts(workspace_id, receipts))?;
            }
        }
        let old_sessions = self.slice(|store| store.count_old_sessions(tokens))?;
        // Old versions are not counted: that would be as much work as folding them.
        let old_versions = match self.slice(|store| store.is_older_than(history))? {
            true => Due { rows: 1, of: i64::MAX },
            false => Due::default(),
        };
        Ok(Lines {
            tombstones: self.judge("tombstones", tombstones, config.tombstones_s, old_tombstones)?,
            receipts: self.judge("receipts", receipts, config.receipts_s, old_receipts)?,
            history: self.judge("history", history, config.history_s, old_versions)?,
            sessions: self.judge("sessions", tokens, config.caution_s, old_sessions)?,
        })
    }

    fn judge(
        &mut self,
        kind: &'static str,
        line: Timestamp,
        keep_s: i64,
        due: Due,
    ) -> Result<Option<Timestamp>, EndedEarly> {
        let passed = self.purger().passed.load(Ordering::Relaxed);
        let wait_s = keep_s.min(self.purger().config.caution_s);
        let known = self.slice(|store| store.find_purge(kind))?;
        let verdict = judge(known, line, passed, wait_s, due);
        if let (Some(waiting), None) = (verdict.record.waiting, verdict.purge_before)
            && waiting.waited == 0
        {
            tracing::warn!(
                kind, rows = due.rows, of = due.of, before = %line, wait_s,
                "a purge waits: it would remove more than a tenth, or time has jumped; is the clock right?"
            );
        }
        let rows = i32::try_from(due.rows).map_or(f64::from(i32::MAX), f64::from);
        metrics::gauge!("landfall_retention_backlog", "kind" => kind).set(rows);
        metrics::gauge!("landfall_purge_waiting", "kind" => kind).set(if verdict.purge_before.is_none() {
            1.0
        } else {
            0.0
        });
        if known != Some(verdict.record) {
            self.slice(|store| store.save_purge(kind, verdict.record))?;
        }
        Ok(verdict.purge_before)
    }
}
