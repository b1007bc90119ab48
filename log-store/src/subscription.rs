//! Waiting for data: who wants to hear of which partitions.
//!
//! A listener either keeps a mailbox that a thread waits at ([`Subscription`]) or is a function that
//! the appending thread calls ([`Registration`]). Both hear that something became readable, not
//! what: the reader asks the partition.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::value::TopicPartition;

/// Which partitions a listener wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Every partition of every topic, also of those created later.
    AllTopics,
    /// Every partition of one topic, also of those added later.
    Topic(String),
    /// Just these partitions.
    Partitions(Vec<TopicPartition>),
}

/// Called with the partition in which something became readable, on the thread that appended. It
/// must be quick and must not append.
pub type Callback = Box<dyn Fn(&TopicPartition) + Send + Sync>;

/// Knows all listeners of a store.
#[derive(Default)]
pub(crate) struct Notifier {
    listeners: RwLock<Listeners>,
}

#[derive(Default)]
struct Listeners {
    of_all: Vec<Weak<Listener>>,
    by_topic: HashMap<Arc<str>, Vec<Weak<Listener>>>,
}

struct Listener {
    interest: Interest,
    target: Target,
}

enum Target {
    Mailbox { changed: Mutex<BTreeSet<TopicPartition>>, arrived: Condvar },
    Callback(Callback),
}

/// A mailbox that a thread can wait at. Dropping it ends it.
pub struct Subscription {
    listener: Arc<Listener>,
}

/// Keeps a [`Callback`] registered; dropping it ends that.
pub struct Registration {
    _listener: Arc<Listener>,
}

impl Notifier {
    pub(crate) fn subscribe(&self, interest: Interest) -> Subscription {
        let target = Target::Mailbox { changed: Mutex::default(), arrived: Condvar::new() };
        Subscription { listener: self.add(interest, target) }
    }

    pub(crate) fn on_append(&self, interest: Interest, callback: Callback) -> Registration {
        Registration { _listener: self.add(interest, Target::Callback(callback)) }
    }

    fn add(&self, interest: Interest, target: Target) -> Arc<Listener> {
        let listener = Arc::new(Listener { interest, target });
        let weak = Arc::downgrade(&listener);
        let mut listeners = self.listeners.write();
        listeners.forget_dropped();
        match &listener.interest {
            Interest::AllTopics => listeners.of_all.push(weak),
            Interest::Topic(topic) => listeners.of_topic(topic.as_str().into()).push(weak),
            Interest::Partitions(partitions) => {
                let topics: BTreeSet<&Arc<str>> = partitions.iter().map(|p| &p.topic).collect();
                for topic in topics {
                    listeners.of_topic(topic.clone()).push(weak.clone());
                }
            }
        }
        listener
    }

    /// Tells everybody interested that there is something new in a partition.
    pub(crate) fn notify(&self, partition: &TopicPartition) {
        let interested: Vec<Arc<Listener>> = {
            let listeners = self.listeners.read();
            let of_topic = listeners.by_topic.get(&partition.topic).map_or(&[][..], Vec::as_slice);
            let alive = listeners.of_all.iter().chain(of_topic).filter_map(Weak::upgrade);
            alive.filter(|listener| listener.wants(partition)).collect()
        };
        // Called without the lock, so that a callback may register and drop listeners.
        for listener in interested {
            listener.tell(partition);
        }
    }
}

impl Listeners {
    fn of_topic(&mut self, topic: Arc<str>) -> &mut Vec<Weak<Listener>> {
        self.by_topic.entry(topic).or_default()
    }

    fn forget_dropped(&mut self) {
        self.of_all.retain(|listener| listener.strong_count() > 0);
        self.by_topic.retain(|_, listeners| {
            listeners.retain(|listener| listener.strong_count() > 0);
            !listeners.is_empty()
        });
    }
}

impl Listener {
    fn wants(&self, partition: &TopicPartition) -> bool {
        match &self.interest {
            Interest::AllTopics | Interest::Topic(_) => true,
            Interest::Partitions(partitions) => partitions.contains(partition),
        }
    }

    fn tell(&self, partition: &TopicPartition) {
        match &self.target {
            Target::Callback(callback) => callback(partition),
            Target::Mailbox { changed, arrived } => {
                changed.lock().insert(partition.clone());
                arrived.notify_all();
            }
        }
    }
}

impl Subscription {
    /// Waits until something became readable since the last call, at most for `timeout`; gives the
    /// partitions, or none when the time is up.
    pub fn wait(&self, timeout: Duration) -> Vec<TopicPartition> {
        let Target::Mailbox { changed, arrived } = &self.listener.target else { return Vec::new() };
        let deadline = Instant::now() + timeout;
        let mut changed = changed.lock();
        while changed.is_empty() {
            if arrived.wait_until(&mut changed, deadline).timed_out() {
                break;
            }
        }
        std::mem::take(&mut *changed).into_iter().collect()
    }

    /// What became readable since the last call, without waiting.
    pub fn poll(&self) -> Vec<TopicPartition> {
        self.wait(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_hears_what_it_asked_for_and_nothing_else() {
        let notifier = Notifier::default();
        let wanted = TopicPartition::new("clicks", 1);
        let one = notifier.subscribe(Interest::Partitions(vec![wanted.clone()]));
        let all = notifier.subscribe(Interest::AllTopics);
        notifier.notify(&TopicPartition::new("clicks", 0));
        notifier.notify(&wanted);
        notifier.notify(&wanted);
        assert_eq!(one.poll(), std::slice::from_ref(&wanted));
        assert_eq!(one.poll(), []);
        assert_eq!(all.poll().len(), 2);
    }

    #[test]
    fn a_dropped_registration_is_not_called() {
        let notifier = Notifier::default();
        let calls = Arc::new(Mutex::new(0));
        let counted = calls.clone();
        let registration = notifier
            .on_append(Interest::Topic("a".into()), Box::new(move |_| *counted.lock() += 1));
        notifier.notify(&TopicPartition::new("a", 7));
        drop(registration);
        notifier.notify(&TopicPartition::new("a", 7));
        assert_eq!(*calls.lock(), 1);
    }
}
