//! Who can run, host by host: a turn looks at those of one host, however many others could run.
//!
//! The driver's queue is the truth. What is kept here are numbers of places in it, which may be gone: each is
//! looked up before it counts.

use std::collections::VecDeque;
use std::iter;

use greenroom::hub::Runnable;

use crate::id::{GreenletIndex, HostId, Id};

/// The places of the driver's queue, host by host.
#[derive(Default)]
pub(super) struct Queues {
    /// In each host's, numbers ascend.
    of_host: Vec<VecDeque<u64>>,
    /// The highest number that was seen.
    seen: u64,
}

impl Queues {
    /// Takes in who became runnable since it was asked last.
    pub(super) fn look(
        &mut self,
        runnable: &Runnable<'_>,
        host_of: impl Fn(GreenletIndex) -> HostId,
    ) {
        for place in runnable.behind(self.seen) {
            self.seen = place.number;
            let host = host_of(place.greenlet.into()).row();
            if host >= self.of_host.len() {
                self.of_host.resize_with(host + 1, VecDeque::new);
            }
            let own = &mut self.of_host[host];
            // Those of a host that never has a choice are looked at here alone.
            while own.front().is_some_and(|&first| runnable.find(first).is_none()) {
                own.pop_front();
            }
            own.push_back(place.number);
        }
    }

    /// Which candidates are of this host, in their order, without a current greenlet.
    pub(super) fn of(
        &mut self,
        host: HostId,
        runnable: &Runnable<'_>,
    ) -> impl Iterator<Item = usize> {
        let mut own = self.of_host.get_mut(host.row());
        let mut next = 0;
        iter::from_fn(move || {
            let own = own.as_mut()?;
            loop {
                match runnable.find(*own.get(next)?) {
                    Some(at) => {
                        next += 1;
                        return Some(at);
                    }
                    None => drop(own.remove(next)),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use greenroom::hub::{GreenletId, Place, SwitchPoint};

    use super::*;
    use crate::choices::mix;

    /// Greenlets come, and go from anywhere, looked at or not.
    #[test]
    fn those_of_a_host_are_found_as_a_look_at_all_finds_them() {
        const HOSTS: u64 = 5;
        let host_of = |id: GreenletIndex| HostId::of_row(id.row() % HOSTS as usize);
        let (mut queues, mut queue) = (Queues::default(), VecDeque::new());
        let mut compared = 0;
        for step in 0..20_000 {
            let chance = mix(step, 15);
            match chance % 7 {
                0..4 => {
                    let greenlet = GreenletId::new((chance >> 8) as u32 % 100, 1);
                    queue.push_back(Place { greenlet, number: step + 1 });
                }
                // Others than the driver's turns take them out, too.
                4 | 5 => drop(queue.remove((chance >> 8) as usize % (queue.len() + 1))),
                _ => {
                    let current = (chance >> 8 & 1 == 0).then(|| GreenletId::new(7, 1));
                    let runnable = Runnable::new(current, &queue, false, SwitchPoint::Completed);
                    let host = HostId::of_row((chance >> 16) as usize % HOSTS as usize);
                    let first = usize::from(current.is_some());
                    let all = first..runnable.len();
                    let all = all.filter(|&at| host_of(runnable.get(at).into()) == host);
                    // As many as matter, or all.
                    let most = if chance >> 32 & 1 == 0 { 3 } else { usize::MAX };
                    queues.look(&runnable, host_of);
                    let found: Vec<usize> = queues.of(host, &runnable).take(most).collect();
                    compared += found.len();
                    assert_eq!(found, all.take(most).collect::<Vec<usize>>(), "step {step}");
                }
            }
        }
        assert!(compared > 10_000, "{compared}");
        let kept: usize = queues.of_host.iter().map(VecDeque::len).sum();
        assert!(kept <= 2 * queue.len(), "{kept} of {}", queue.len());
    }
}
