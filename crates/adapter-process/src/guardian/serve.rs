//! The guardian's loop: one thread, one epoll; requests, ends of children, output and deadlines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::MAX_JOBS;
use super::job::{Flow, Job};
use super::sweep::{self, Ending};
use super::tree::{Children, Left, Process, Tree, signal_all};
use super::wire::{MAX_LINE, Reply, Request, Start};
use crate::mask::Masker;

/// The grace of what a job leaves behind, and of everything when the runner is gone.
const LAST_GRACE: Duration = Duration::from_secs(2);
/// Names are remembered, so that none is used twice; this many at most.
const MAX_NAMES: usize = 1_000_000;
/// In one turn this many chunks of one job are read, so that no job starves the others.
const READS: usize = 4;
const CHUNK: usize = 64 * 1024;

const STDIN: u64 = 0;
const CHILD: u64 = 1;
/// Tokens of jobs begin here.
const FIRST_JOB: u64 = 2;

/// What our own binary does as the guardian, first thing in `main`. Returns the exit code when the runner is gone and nothing is left
/// of its jobs: 0; 1 when something could not be killed, or the guardian could not begin.
pub fn serve() -> i32 {
    match Guardian::begin() {
        Ok(mut guardian) => i32::from(!guardian.run()),
        Err(why) => {
            eprintln!("guardian: {why}");
            1
        }
    }
}

struct Guardian {
    epoll: Epoll,
    /// Readable when a child has ended.
    children: UnixStream,
    jobs: BTreeMap<u64, Job>,
    by_pid: BTreeMap<i32, u64>,
    own: Children,
    names: BTreeSet<String>,
    count: u64,
    mark: String,
    me: i32,
    requests: Vec<u8>,
    buffer: Vec<u8>,
    /// The masker of the job before; jobs of a run mostly have the same secrets.
    masker: Option<(Vec<String>, Arc<Masker>)>,
    /// Goes out at the end of a turn.
    replies: Vec<u8>,
    /// Processes that bear no mark: nobody can tell whose they are, and they were waited for once.
    strays: Vec<Process>,
    /// Nothing at all descends from us: whoever was abandoned would be our child.
    childless: bool,
    /// The runner is gone.
    closing: Option<Ending>,
}

impl Guardian {
    fn begin() -> io::Result<Self> {
        // Caught, neither ignored nor blocked: both would be inherited by the jobs.
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
        }
        let (children, ended) = UnixStream::pair()?;
        children.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGCHLD, ended)?;
        // Away from the terminal. Who leads a group already has been put there by whoever started us.
        let _leader = nix::unistd::setsid();
        set_child_subreaper(true)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(io::stdin().as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, STDIN))?;
        epoll.add(children.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, CHILD))?;
        let me = Pid::this().as_raw();
        let start = Process::look(me).map_or(0, |own| own.start());
        let mark = format!("{me}.{start}.");
        let mut guardian = Self {
            epoll,
            children,
            jobs: BTreeMap::new(),
            by_pid: BTreeMap::new(),
            own: Children::of(me),
            names: BTreeSet::new(),
            count: FIRST_JOB,
            mark,
            me,
            requests: Vec::new(),
            buffer: vec![0; CHUNK],
            masker: None,
            replies: Vec::new(),
            strays: Vec::new(),
            childless: true,
            closing: None,
        };
        guardian.reply(&Reply::Ready { mark: guardian.mark.clone() });
        guardian.send();
        Ok(guardian)
    }

    /// Until the runner is gone and nothing is left. Whether all could be killed.
    fn run(&mut self) -> bool {
        loop {
            let mut events = [EpollEvent::empty(); 64];
            let ready = match self.epoll.wait(&mut events, self.timeout(Instant::now())) {
                Ok(ready) => ready,
                Err(Errno::EINTR) => 0,
                // Without its eyes it can only end everything.
                Err(_) => {
                    self.close();
                    0
                }
            };
            for event in events.iter().take(ready) {
                match event.data() {
                    STDIN => self.listen(),
                    CHILD => while matches!(self.children.read(&mut self.buffer), Ok(1..)) {},
                    token => self.read(token),
                }
            }
            self.reap();
            self.progress(Instant::now());
            self.send();
            if let Some(all) = self.closed(Instant::now()) {
                return all;
            }
        }
    }

    fn timeout(&self, now: Instant) -> EpollTimeout {
        let endings = self.jobs.values().filter_map(|job| job.ending).chain(self.closing);
        let Some(next) = endings.map(|ending| ending.next()).min() else { return EpollTimeout::NONE };
        let left = next.saturating_duration_since(now);
        EpollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(EpollTimeout::ZERO)
    }

    fn listen(&mut self) {
        match io::stdin().lock().read(&mut self.buffer) {
            Ok(read) if read > 0 && self.requests.len() + read <= MAX_LINE => {
                self.requests.extend_from_slice(&self.buffer[..read]);
            }
            Err(why) if why.kind() == io::ErrorKind::Interrupted => return,
            _ => return self.close(),
        }
        let Some(end) = self.requests.iter().rposition(|byte| *byte == b'\n') else { return };
        let rest = self.requests.split_off(end + 1);
        let lines = std::mem::replace(&mut self.requests, rest);
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Request::Start(start)) => self.start(*start),
                Ok(Request::Stop { name }) => self.stop(&name),
                // Whoever speaks like this is not our runner.
                Err(_) => return self.close(),
            }
        }
    }

    fn start(&mut self, start: Start) {
        let name = start.name.clone();
        match self.try_start(start) {
            Ok(pid) => self.reply(&Reply::Started { name, pid: pid.unsigned_abs() }),
            Err(why) => self.reply(&Reply::Refused { name, why }),
        }
    }

    fn try_start(&mut self, start: Start) -> Result<i32, String> {
        if self.closing.is_some() {
            return Err("the guardian is about to end".to_owned());
        }
        if self.jobs.len() >= MAX_JOBS {
            return Err(format!("{MAX_JOBS} jobs run already"));
        }
        if self.names.len() >= MAX_NAMES || self.names.contains(&start.name) {
            return Err(format!("the name {:?} was used before", start.name));
        }
        let masker = self.masker(&start.secrets)?;
        let token = self.count;
        self.count += 1;
        let mark = format!("{}{token}", self.mark);
        let name = start.name.clone();
        let job = Job::start(start, &masker, mark)?;
        if let Some(output) = &job.output {
            let watched = self.epoll.add(output, EpollEvent::new(EpollFlags::EPOLLIN, token));
            // Not being watched only means that it is read at the end.
            debug_assert!(watched.is_ok());
        }
        let pid = job.pid.as_raw();
        self.names.insert(name);
        self.by_pid.insert(pid, token);
        self.jobs.insert(token, job);
        Ok(pid)
    }

    fn masker(&mut self, secrets: &[String]) -> Result<Arc<Masker>, String> {
        if let Some((known, masker)) = &self.masker
            && known == secrets
        {
            return Ok(Arc::clone(masker));
        }
        let masker = Arc::new(Masker::new(secrets).map_err(|why| why.to_string())?);
        self.masker = Some((secrets.to_vec(), Arc::clone(&masker)));
        Ok(masker)
    }

    /// SIGTERM to all of a job.
    fn stop(&mut self, name: &str) {
        let alone = self.jobs.len() == 1;
        let Some(job) = self.jobs.values_mut().find(|job| job.name == name) else { return };
        if job.ending.is_some() {
            return;
        }
        job.ending = Some(Ending::new(Instant::now(), job.grace));
        job.terminate_group();
        let group = job.pid.as_raw();
        for process in Tree::below(self.me).of_job(group, &job.mark, alone, &[]).mine {
            if !process.is_in(group) {
                process.signal(Signal::SIGTERM);
            }
        }
    }

    fn read(&mut self, token: u64) {
        let Some(job) = self.jobs.get_mut(&token) else { return };
        for _ in 0..READS {
            match job.drain(&mut self.buffer) {
                Flow::More => {}
                Flow::Dry => return,
                Flow::End => {
                    if let Some(output) = job.output.take() {
                        // Closing it would do the same.
                        let _unwatched = self.epoll.delete(&output);
                    }
                    return;
                }
            }
        }
    }

    /// Takes note of all children that have ended: jobs, and what jobs have abandoned.
    fn reap(&mut self) {
        self.childless = false;
        loop {
            let (pid, status) = match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, (Some(code), None)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, (None, Some(signal as i32))),
                Ok(WaitStatus::StillAlive) => return,
                Err(why) => {
                    self.childless = why == Errno::ECHILD;
                    return;
                }
                Ok(_) => continue,
            };
            let token = self.by_pid.remove(&pid.as_raw());
            if let Some(job) = token.and_then(|token| self.jobs.get_mut(&token)) {
                job.status = Some(status);
            }
            // It may have been the last one of something that is being ended.
            let now = Instant::now();
            self.jobs.values_mut().filter_map(|job| job.ending.as_mut()).for_each(|ending| ending.look(now));
        }
    }

    /// Brings every job further that has ended or is to end.
    fn progress(&mut self, now: Instant) {
        let due = |job: &Job| match job.ending {
            None => job.status.is_some(),
            Some(ending) => ending.next() <= now,
        };
        let due: Vec<u64> = self.jobs.iter().filter(|(_, job)| due(job)).map(|(token, _)| *token).collect();
        for token in due {
            let left = self.left_of(token);
            let Some(job) = self.jobs.get_mut(&token) else { continue };
            let gave_up = job.ending.is_some_and(|ending| ending.gives_up(now));
            let doubted = left.unsure || (!left.unknown.is_empty() && job.doubts(now));
            if gave_up || (left.mine.is_empty() && job.status.is_some() && !doubted) {
                self.strays.extend(left.unknown);
                self.report(token, gave_up);
            } else {
                self.end(token, &left.mine, now);
            }
        }
    }

    /// SIGTERM at first, SIGKILL when the grace is over.
    fn end(&mut self, token: u64, left: &[Process], now: Instant) {
        let (me, alone) = (self.me, self.jobs.len() == 1);
        let Some(job) = self.jobs.get_mut(&token) else { return };
        let grace = job.grace.min(LAST_GRACE);
        let ending = job.ending.get_or_insert_with(|| {
            signal_all(left, Signal::SIGTERM);
            Ending::new(now, grace)
        });
        if ending.kills(now) {
            sweep::kill_all(|| Tree::below(me).of_job(job.pid.as_raw(), &job.mark, alone, &[]).mine);
        }
        ending.looked(now);
    }

    /// Who is left of a job. Without a walk when nobody can be.
    fn left_of(&mut self, token: u64) -> Left {
        let over = self.jobs.get(&token).is_none_or(|job| job.status.is_some() && job.group_is_empty());
        if over && self.no_strangers() {
            self.strays.clear();
            return Left::default();
        }
        let Some(job) = self.jobs.get(&token) else { return Left::default() };
        let tree = Tree::below(self.me);
        let left = tree.of_job(job.pid.as_raw(), &job.mark, self.jobs.len() == 1, &self.strays);
        Left { unsure: tree.dead().any(|pid| !self.by_pid.contains_key(&pid)), ..left }
    }

    /// Whether all our children are jobs; others would be what jobs have abandoned.
    fn no_strangers(&mut self) -> bool {
        self.own.are_all(|pid| self.by_pid.contains_key(&pid))
    }

    fn report(&mut self, token: u64, gave_up: bool) {
        let Some(job) = self.jobs.remove(&token) else { return };
        self.by_pid.remove(&job.pid.as_raw());
        let over = job.finish(&mut self.buffer, gave_up);
        self.reply(&Reply::Ended(over));
    }

    /// The runner is gone.
    fn close(&mut self) {
        if self.closing.is_some() {
            return;
        }
        let now = Instant::now();
        // Nothing but its end could be heard from there any more.
        let _deaf = self.epoll.delete(io::stdin().as_fd());
        signal_all(&Tree::below(self.me).living(), Signal::SIGTERM);
        self.closing = Some(Ending::new(now, LAST_GRACE));
        for job in self.jobs.values_mut() {
            job.ending.get_or_insert(Ending::new(now, job.grace)).hurry(now + LAST_GRACE);
        }
    }

    /// Whether nothing is left after the runner has gone; `None` while there is.
    fn closed(&mut self, now: Instant) -> Option<bool> {
        let me = self.me;
        let ending = self.closing.as_mut()?;
        if ending.next() > now && !self.jobs.is_empty() {
            return None;
        }
        if self.childless && self.jobs.is_empty() {
            return Some(true);
        }
        if ending.gives_up(now) {
            return Some(false);
        }
        if ending.kills(now) {
            sweep::kill_all(|| Tree::below(me).living());
        }
        ending.looked(now);
        None
    }

    fn reply(&mut self, reply: &Reply) {
        if serde_json::to_writer(&mut self.replies, reply).is_ok() {
            self.replies.push(b'\n');
        }
    }

    /// Without a reader the runner is gone, and standard input says so too.
    fn send(&mut self) {
        if !self.replies.is_empty() {
            let mut out = io::stdout().lock();
            let _gone = out.write_all(&self.replies).and_then(|()| out.flush());
            self.replies.clear();
        }
    }
}
