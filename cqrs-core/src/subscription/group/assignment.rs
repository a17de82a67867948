//! Which member of a group works on which unit.
//!
//! The units of a handler are spread evenly over the members that run it, and
//! all units evenly as far as that allows; as few as possible move. The same
//! members and the same holders always give the same answer.

use std::collections::{BTreeMap, BTreeSet};

/// What is to be worked on, and who can.
#[derive(Debug, Default)]
pub(super) struct Units<'a>(BTreeMap<&'a str, Unit<'a>>);

#[derive(Debug)]
struct Unit<'a> {
    handler: &'a str,
    members: BTreeSet<&'a str>,
    owner: Option<&'a str>,
}

/// How many units a member has.
#[derive(Debug, Default)]
struct Loads<'a> {
    of_handler: BTreeMap<(&'a str, &'a str), usize>,
    all: BTreeMap<&'a str, usize>,
}

impl<'a> Units<'a> {
    /// A member can work on a unit of a handler.
    pub(super) fn can(&mut self, member: &'a str, handler: &'a str, unit: &'a str) {
        let fresh = || Unit { handler, members: BTreeSet::new(), owner: None };
        self.0.entry(unit).or_insert_with(fresh).members.insert(member);
    }

    /// A member holds a unit, which counts if it can work on it.
    pub(super) fn holds(&mut self, member: &'a str, unit: &str) {
        if let Some(unit) = self.0.get_mut(unit)
            && let Some(member) = unit.members.get(member)
        {
            unit.owner = Some(member);
        }
    }

    /// Who works on each unit.
    pub(super) fn assign(mut self) -> BTreeMap<&'a str, &'a str> {
        let mut loads = Loads::default();
        for unit in self.0.values() {
            if let Some(owner) = unit.owner {
                loads.add(unit.handler, owner);
            }
        }
        for unit in self.0.values_mut().filter(|unit| unit.owner.is_none()) {
            unit.owner = unit
                .members
                .iter()
                .copied()
                .min_by_key(|member| (loads.of(unit.handler, member), *member));
            if let Some(owner) = unit.owner {
                loads.add(unit.handler, owner);
            }
        }
        while let Some((name, to)) = self.best_move(&loads) {
            let unit = self.0.get_mut(name).expect("it was found here");
            if let Some(from) = unit.owner.replace(to) {
                loads.remove(unit.handler, from);
            }
            loads.add(unit.handler, to);
        }
        self.0.into_iter().filter_map(|(name, unit)| Some((name, unit.owner?))).collect()
    }

    /// The move that brings most, if one brings anything. Each makes the sum of
    /// squares smaller, first of the handlers' loads and then of all: it ends.
    fn best_move(&self, loads: &Loads<'_>) -> Option<(&'a str, &'a str)> {
        let moves = self.0.iter().flat_map(|(name, unit)| {
            let owner = unit.owner;
            let others = unit.members.iter().filter(move |member| Some(**member) != owner);
            others.filter_map(move |to| {
                let (from, to_load) = (loads.of(unit.handler, owner?), loads.of(unit.handler, to));
                let gain = (from.0 - to_load.0 - 1, from.1 - to_load.1 - 1);
                (gain > (0, 0)).then_some((gain, *name, *to))
            })
        });
        let best = moves.max_by_key(|(gain, name, to)| (*gain, std::cmp::Reverse((*name, *to))));
        best.map(|(_, name, to)| (name, to))
    }
}

impl<'a> Loads<'a> {
    fn add(&mut self, handler: &'a str, member: &'a str) {
        *self.of_handler.entry((handler, member)).or_default() += 1;
        *self.all.entry(member).or_default() += 1;
    }

    fn remove(&mut self, handler: &'a str, member: &'a str) {
        *self.of_handler.entry((handler, member)).or_default() -= 1;
        *self.all.entry(member).or_default() -= 1;
    }

    fn of(&self, handler: &str, member: &str) -> (i64, i64) {
        let load = |count: Option<&usize>| count.map_or(0, |count| *count as i64);
        (load(self.of_handler.get(&(handler, member))), load(self.all.get(member)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MEMBERS: [&str; 5] = ["ada", "bob", "cyd", "dan", "eve"];
    const HANDLERS: [&str; 3] = ["mails", "sums", "ticks"];

    /// What each member runs, how many parts each handler has, and who held
    /// which unit before.
    #[derive(Clone, Debug)]
    struct Case {
        runs: Vec<Vec<bool>>,
        units: Vec<(&'static str, String)>,
        held: Vec<Option<usize>>,
    }

    fn case() -> impl Strategy<Value = Case> {
        let runs = prop::collection::vec(prop::collection::vec(any::<bool>(), 3), 1..=5);
        let parts = prop::collection::vec(1_usize..8, 3);
        let held = prop::collection::vec(prop::option::of(0_usize..5), 24);
        (runs, parts, held).prop_map(|(runs, parts, held)| {
            let of = |(handler, parts): (&&'static str, usize)| {
                let handler = *handler;
                (0..parts).map(move |part| (handler, format!("{handler}/{part}")))
            };
            Case { runs, units: HANDLERS.iter().zip(parts).flat_map(of).collect(), held }
        })
    }

    impl Case {
        fn assign(&self, held: &BTreeMap<&str, &str>) -> BTreeMap<&str, &str> {
            let mut units = Units::default();
            for (member, handler, unit) in self.possible() {
                units.can(member, handler, unit);
            }
            for (unit, member) in held {
                units.holds(MEMBERS.iter().find(|name| *name == member).expect("a member"), unit);
            }
            units.assign()
        }

        fn possible(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
            self.runs.iter().zip(MEMBERS).flat_map(move |(runs, member)| {
                let can =
                    |handler: &str| runs[HANDLERS.iter().position(|one| *one == handler).unwrap()];
                let units = self.units.iter().filter(move |(handler, _)| can(handler));
                units.map(move |(handler, unit)| (member, *handler, unit.as_str()))
            })
        }

        fn held(&self) -> BTreeMap<&str, &str> {
            let held = self.units.iter().zip(&self.held);
            held.filter_map(|((_, unit), by)| Some((unit.as_str(), MEMBERS[(*by)?]))).collect()
        }

        /// The units that each member of those that run a handler has of it.
        fn loads(&self, assigned: &BTreeMap<&str, &str>, of: &str) -> Vec<usize> {
            let members: BTreeSet<_> = self
                .possible()
                .filter(|(_, handler, _)| *handler == of)
                .map(|(member, ..)| member)
                .collect();
            let has = |member: &str| {
                let units = self.units.iter().filter(|(handler, _)| *handler == of);
                units.filter(|(_, unit)| assigned.get(unit.as_str()) == Some(&member)).count()
            };
            members.into_iter().map(has).collect()
        }
    }

    proptest! {
        #[test]
        fn every_unit_goes_to_one_that_runs_it_and_each_handler_is_spread_evenly(case in case()) {
            let assigned = case.assign(&case.held());
            let possible: BTreeSet<_> =
                case.possible().map(|(member, _, unit)| (unit, member)).collect();
            let wanted: BTreeSet<_> = possible.iter().map(|(unit, _)| *unit).collect();
            prop_assert_eq!(assigned.keys().copied().collect::<BTreeSet<_>>(), wanted);
            prop_assert!(assigned.iter().all(|(unit, member)| possible.contains(&(*unit, *member))));
            for handler in HANDLERS {
                let loads = case.loads(&assigned, handler);
                let (least, most) = (loads.iter().min(), loads.iter().max());
                prop_assert!(most.zip(least).is_none_or(|(most, least)| most - least <= 1));
            }
        }

        #[test]
        fn where_everyone_runs_everything_all_units_are_spread_evenly(mut case in case()) {
            case.runs.iter_mut().flatten().for_each(|runs| *runs = true);
            let assigned = case.assign(&case.held());
            let load = |member: &&str| assigned.values().filter(|by| *by == member).count();
            let loads: Vec<_> = MEMBERS[..case.runs.len()].iter().map(load).collect();
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
        }

        #[test]
        fn what_is_in_balance_stays_as_it_is(case in case()) {
            let assigned = case.assign(&case.held());
            prop_assert_eq!(case.assign(&assigned), assigned);
        }

        #[test]
        fn when_a_member_joins_the_parts_of_a_handler_move_only_to_it(mut case in case()) {
            case.runs.iter_mut().flatten().for_each(|runs| *runs = true);
            case.units.retain(|(handler, _)| *handler == "mails");
            case.runs.truncate(MEMBERS.len() - 1);
            let newcomer = case.runs.len();
            let before: BTreeMap<String, String> = case
                .assign(&BTreeMap::new())
                .into_iter()
                .map(|(unit, member)| (unit.to_owned(), member.to_owned()))
                .collect();
            case.runs.push(vec![true; 3]);

            let held = before.iter().map(|(unit, member)| (unit.as_str(), member.as_str()));
            let after = case.assign(&held.collect());

            for (unit, member) in after {
                prop_assert!(member == MEMBERS[newcomer] || before[unit] == member);
            }
        }
    }
}
