//! Those who wait for one thing, in the order they came. To come last and to be the next take a constant
//! time, to go out of turn one that grows with the logarithm of the crowd.

use std::collections::VecDeque;

/// When somebody came. Who comes back has the place that it had.
pub(crate) type Arrival = u64;

/// Who goes out of turn leaves a gap; gaps are closed when they are as many as those who stand.
pub(crate) struct Crowd<T> {
    /// By arrival. Neither the first nor the last is a gap.
    places: VecDeque<(Arrival, Option<T>)>,
    gaps: usize,
}

impl<T> Crowd<T> {
    pub(crate) const fn new() -> Crowd<T> {
        Crowd { places: VecDeque::new(), gaps: 0 }
    }
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.gaps
    }

    /// Somebody comes, last or to an old place, where nobody stands.
    #[inline]
    pub(crate) fn enter(&mut self, arrival: Arrival, who: T) {
        match self.places.back() {
            Some(&(last, _)) if last > arrival => self.return_to(arrival, who),
            _ => self.places.push_back((arrival, Some(who))),
        }
    }

    #[cold]
    fn return_to(&mut self, arrival: Arrival, who: T) {
        match self.find(arrival) {
            Ok(at) => {
                debug_assert!(self.places[at].1.is_none(), "nobody stands in another's place");
                self.places[at].1 = Some(who);
                self.gaps -= 1;
            }
            Err(at) => self.places.insert(at, (arrival, Some(who))),
        }
    }

    /// Who stands at this place, if anybody does.
    pub(crate) fn get_mut(&mut self, arrival: Arrival) -> Option<&mut T> {
        let at = self.find(arrival).ok()?;
        self.places[at].1.as_mut()
    }

    /// Who stands at this place goes.
    #[inline]
    pub(crate) fn leave(&mut self, arrival: Arrival) -> Option<T> {
        // It is the first who goes, nearly always.
        if self.places.front()?.0 == arrival {
            return self.pop_first().map(|(_, who)| who);
        }
        self.leave_between(arrival)
    }

    #[cold]
    fn leave_between(&mut self, arrival: Arrival) -> Option<T> {
        /// Below this many it is not worth the while.
        const GAPS_MIN: usize = 16;
        let at = self.find(arrival).ok()?;
        let who = self.places[at].1.take()?;
        self.gaps += 1;
        self.close_back();
        if self.gaps > GAPS_MIN && self.gaps > self.places.len() / 2 {
            self.places.retain(|(_, who)| who.is_some());
            self.gaps = 0;
        }
        Some(who)
    }

    /// The first goes.
    #[inline]
    pub(crate) fn pop_first(&mut self) -> Option<(Arrival, T)> {
        let (arrival, who) = self.places.pop_front()?;
        if self.gaps > 0 {
            self.close_front();
        }
        who.map(|who| (arrival, who))
    }

    #[cold]
    fn close_front(&mut self) {
        while let Some((_, None)) = self.places.front() {
            self.places.pop_front();
            self.gaps -= 1;
        }
    }

    /// The last goes.
    pub(crate) fn pop_last(&mut self) -> Option<(Arrival, T)> {
        let (arrival, who) = self.places.pop_back()?;
        self.close_back();
        who.map(|who| (arrival, who))
    }

    fn close_back(&mut self) {
        while let Some((_, None)) = self.places.back() {
            self.places.pop_back();
            self.gaps -= 1;
        }
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<(Arrival, &T)> {
        let (arrival, who) = self.places.front()?;
        Some((*arrival, who.as_ref()?))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Arrival, &T)> {
        self.places.iter().filter_map(|(arrival, who)| Some((*arrival, who.as_ref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Arrival, &mut T)> {
        self.places.iter_mut().filter_map(|(arrival, who)| Some((*arrival, who.as_mut()?)))
    }

    /// All go.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.gaps = 0;
        self.places.drain(..).filter_map(|(_, who)| who)
    }

    /// Those go who are such, in the order they came.
    pub(crate) fn extract(&mut self, mut is_such: impl FnMut(&T) -> bool) -> Vec<T> {
        if let [(_, Some(only))] = self.places.as_slices().0
            && self.places.len() == 1
        {
            return if is_such(only) { self.drain().collect() } else { Vec::new() };
        }
        let (mut gone, mut left) = (Vec::new(), VecDeque::with_capacity(self.len()));
        self.gaps = 0;
        for (arrival, who) in self.places.drain(..) {
            match who {
                Some(who) if is_such(&who) => gone.push(who),
                Some(who) => left.push_back((arrival, Some(who))),
                None => {}
            }
        }
        self.places = left;
        gone
    }

    fn find(&self, arrival: Arrival) -> Result<usize, usize> {
        self.places.binary_search_by_key(&arrival, |&(arrival, _)| arrival)
    }
}

impl<T> Default for Crowd<T> {
    fn default() -> Crowd<T> {
        Crowd::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Enter,
        Leave(usize),
        Return(usize),
        Pop,
        PopLast,
        Extract(u64),
        Drain,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            30 => Just(Op::Enter),
            30 => any::<usize>().prop_map(Op::Leave),
            5 => any::<usize>().prop_map(Op::Return),
            5 => Just(Op::Pop),
            2 => Just(Op::PopLast),
            1 => (1..5_u64).prop_map(Op::Extract),
            1 => Just(Op::Drain),
        ]
    }

    proptest! {
        #[test]
        fn a_crowd_is_a_map_from_arrivals(ops in proptest::collection::vec(op(), 0..400)) {
            let (mut crowd, mut model) = (Crowd::new(), BTreeMap::new());
            let (mut next, mut gone) = (0, Vec::new());
            for op in ops {
                match op {
                    Op::Enter => {
                        crowd.enter(next, next);
                        model.insert(next, next);
                        next += 1;
                    }
                    Op::Leave(nth) if next > 0 => {
                        let arrival = nth as u64 % next;
                        let left = model.remove(&arrival);
                        prop_assert_eq!(crowd.leave(arrival), left);
                        gone.extend(left);
                    }
                    Op::Return(nth) if !gone.is_empty() => {
                        let arrival = gone.swap_remove(nth % gone.len());
                        crowd.enter(arrival, arrival);
                        model.insert(arrival, arrival);
                    }
                    Op::Leave(_) | Op::Return(_) => {}
                    Op::Pop => prop_assert_eq!(crowd.pop_first(), model.pop_first()),
                    Op::PopLast => prop_assert_eq!(crowd.pop_last(), model.pop_last()),
                    Op::Extract(modulus) => {
                        let such = |who: &u64| who.is_multiple_of(modulus);
                        let (out, left) = model.into_iter().partition(|(_, who)| such(who));
                        model = left;
                        let out: BTreeMap<u64, u64> = out;
                        prop_assert_eq!(crowd.extract(such), out.into_values().collect::<Vec<_>>());
                    }
                    Op::Drain => {
                        let all: Vec<u64> = crowd.drain().collect();
                        prop_assert_eq!(all, std::mem::take(&mut model).into_values().collect::<Vec<_>>());
                    }
                }
                let shown: Vec<(u64, u64)> = crowd.iter().map(|(at, who)| (at, *who)).collect();
                prop_assert_eq!(shown, model.clone().into_iter().collect::<Vec<_>>());
                prop_assert_eq!((crowd.len(), crowd.is_empty()), (model.len(), model.is_empty()));
                prop_assert!(crowd.places.len() <= 2 * crowd.len() + 18);
            }
        }
    }
}
