//! Times, processor time and memory, and what is made of them.

use std::time::{Duration, Instant};

use crate::Outcome;

/// Clock ticks of `/proc/PID/stat` in a second: 100 on Linux, whatever the kernel's own clock.
const TICKS_PER_SECOND: u32 = 100;

/// What one scenario measured.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Operations that the server carried out.
    pub operations: u32,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// One for each request, sorted.
    pub latencies: Vec<Duration>,
    /// Processor time of the server process.
    pub cpu: Option<Duration>,
    /// The most memory that the server process held, in KiB.
    pub peak_kib: Option<u32>,
}

impl Measurement {
    /// Operations a second.
    pub fn rate(&self) -> f64 {
        f64::from(self.operations) / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Microseconds of the server's processor for each operation.
    pub fn cpu_us(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / f64::from(self.operations.max(1)))
    }

    /// The time within which this share of the requests was answered.
    pub fn latency(&self, percent: usize) -> Duration {
        percentile(&self.latencies, percent)
    }
}

/// The value at `percent` of sorted times.
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// A server process, watched during a scenario.
#[derive(Debug)]
pub struct Watch {
    process_id: u32,
    started: Instant,
    cpu_before: Duration,
}

impl Watch {
    /// Begins to watch; forgets the peak of memory so far.
    pub fn start(process_id: u32) -> Outcome<Self> {
        std::fs::write(format!("/proc/{process_id}/clear_refs"), "5")?;
        Ok(Self { process_id, cpu_before: cpu_time(process_id)?, started: Instant::now() })
    }

    /// What was measured since.
    pub fn finish(self, operations: u32, mut latencies: Vec<Duration>) -> Outcome<Measurement> {
        let elapsed = self.started.elapsed();
        latencies.sort_unstable();
        let cpu = cpu_time(self.process_id)?.saturating_sub(self.cpu_before);
        let peak_kib = Some(peak_memory_kib(self.process_id)?);
        Ok(Measurement { operations, elapsed, latencies, cpu: Some(cpu), peak_kib })
    }
}

/// User and system time of a process, its ended children included.
fn cpu_time(process_id: u32) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat"))?;
    // The name of the program may hold anything, but no closing bracket comes after it.
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/PID/stat has no name")?;
    const UTIME: usize = 11;
    const TIMES: usize = 4;
    let mut ticks = 0_u32;
    for field in fields.split_whitespace().skip(UTIME).take(TIMES) {
        ticks = ticks.saturating_add(field.parse()?);
    }
    Ok(Duration::from_secs(u64::from(ticks)) / TICKS_PER_SECOND)
}

/// The most memory that a process has held.
pub fn peak_memory_kib(process_id: u32) -> Outcome<u32> {
    memory_kib(process_id, "VmHWM:")
}

/// The memory that a process holds now.
pub fn resident_kib(process_id: u32) -> Outcome<u32> {
    memory_kib(process_id, "VmRSS:")
}

fn memory_kib(process_id: u32, field: &str) -> Outcome<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let line = line.ok_or_else(|| format!("/proc/PID/status has no {field}"))?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Processor time of the calling thread so far.
pub fn thread_cpu_time() -> Outcome<Duration> {
    scheduled_time("/proc/thread-self/schedstat")
}

/// Processor time so far of all threads of this process, and of others that have one thread each.
pub fn cpu_time_with(others: &[i32]) -> Outcome<Duration> {
    let mut sum = Duration::ZERO;
    for thread in std::fs::read_dir("/proc/self/task")? {
        sum += scheduled_time(thread?.path().join("schedstat"))?;
    }
    for other in others {
        sum += scheduled_time(format!("/proc/{other}/schedstat"))?;
    }
    Ok(sum)
}

fn scheduled_time(path: impl AsRef<std::path::Path>) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(path)?;
    let nanoseconds = stat.split_whitespace().next().ok_or("a schedstat is empty")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}
