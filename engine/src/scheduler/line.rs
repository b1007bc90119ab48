//! The line of the scheduler: which tasks there are, and which of them wait for a thread.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::task::{Task, TaskId, Turn};
use crate::engine::Workers;

/// Tasks, and who is next.
#[derive(Default)]
pub(super) struct Line {
    tasks: BTreeMap<TaskId, Arc<Task>>,
    by_topic: HashMap<String, Vec<TaskId>>,
    /// Persistent queries that wait for a thread.
    persistent: VecDeque<TaskId>,
    /// Push queries that do.
    push: VecDeque<TaskId>,
    waiting: HashSet<TaskId>,
    running: HashSet<TaskId>,
    /// Whether it is the turn of a push query.
    push_is_next: bool,
    /// Whether the caller moves the persistent queries, which then never wait.
    manual: bool,
    pushes: u64,
    stopped: bool,
}

impl Line {
    pub fn new(workers: Workers) -> Self {
        Self { manual: workers == Workers::Manual, ..Self::default() }
    }

    pub fn add(&mut self, task: Arc<Task>) {
        let id = task.id();
        if self.stopped {
            return;
        }
        for topic in task.topics() {
            self.by_topic.entry(topic.clone()).or_default().push(id);
        }
        self.tasks.insert(id, task);
        self.wake(id);
    }

    pub fn remove(&mut self, id: TaskId) -> Option<Arc<Task>> {
        let task = self.tasks.remove(&id)?;
        for topic in task.topics() {
            let readers = self.by_topic.get_mut(topic);
            if let Some(readers) = readers {
                readers.retain(|reader| *reader != id);
                if readers.is_empty() {
                    self.by_topic.remove(topic);
                }
            }
        }
        Some(task)
    }

    pub fn task(&self, id: TaskId) -> Option<Arc<Task>> {
        self.tasks.get(&id).cloned()
    }

    /// All tasks: the persistent ones first, each kind in the order of creation.
    pub fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks.values()
    }

    pub fn next_push(&mut self) -> TaskId {
        self.pushes += 1;
        TaskId::Push(self.pushes - 1)
    }

    pub fn wake(&mut self, id: TaskId) {
        let moves = !(self.manual && id.is_persistent());
        if moves && self.tasks.contains_key(&id) && self.waiting.insert(id) {
            self.line_of(id).push_back(id);
        }
    }

    /// Wakes who reads a topic; says whether there is anybody.
    pub fn wake_readers(&mut self, topic: &str) -> bool {
        let readers = self.by_topic.get(topic).cloned().unwrap_or_default();
        readers.iter().for_each(|id| self.wake(*id));
        !readers.is_empty()
    }

    /// The next task that no thread is running.
    pub fn next(&mut self) -> Option<Arc<Task>> {
        let push_first = self.push_is_next;
        let task = self.next_of(push_first).or_else(|| self.next_of(!push_first))?;
        self.push_is_next = task.id().is_persistent();
        self.running.insert(task.id());
        Some(task)
    }

    fn next_of(&mut self, push: bool) -> Option<Arc<Task>> {
        let length = if push { self.push.len() } else { self.persistent.len() };
        for _ in 0..length {
            let id = if push { self.push.pop_front()? } else { self.persistent.pop_front()? };
            if self.running.contains(&id) {
                self.line_of(id).push_back(id);
                continue;
            }
            self.waiting.remove(&id);
            if let Some(task) = self.tasks.get(&id) {
                return Some(Arc::clone(task));
            }
        }
        None
    }

    /// Notes that a thread has let go of a task; gives the task if it is over.
    pub fn put_back(&mut self, id: TaskId, turn: Turn) -> Option<Arc<Task>> {
        self.running.remove(&id);
        match turn {
            Turn::Worked => self.wake(id),
            Turn::Idle => {}
            Turn::Over => return self.remove(id),
        }
        None
    }

    pub fn is_running(&self, id: TaskId) -> bool {
        self.running.contains(&id)
    }

    /// Whether no persistent query waits or runs.
    pub fn is_idle(&self) -> bool {
        self.persistent.is_empty() && !self.running.iter().any(|id| id.is_persistent())
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// No task is given out from now on. Gives the push queries, which end.
    pub fn stop(&mut self) -> Vec<Arc<Task>> {
        self.stopped = true;
        let push: Vec<TaskId> =
            self.tasks.keys().copied().filter(|id| !id.is_persistent()).collect();
        push.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    fn line_of(&mut self, id: TaskId) -> &mut VecDeque<TaskId> {
        if id.is_persistent() { &mut self.persistent } else { &mut self.push }
    }
}
