//! Which registrations belong to an application, and whether they fit.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::events::check_events;
use super::{Body, Kind, Module, Problem, Registration, linked};
use crate::message::SourceLocation;

/// The registrations of one application, sorted, and the mistakes in them.
pub(crate) struct Selection {
    pub(crate) registrations: Vec<Registration>,
    pub(crate) problems: Vec<Problem>,
}

impl Selection {
    /// Takes what belongs to the listed modules, and what was handed over.
    pub(crate) fn of(listed: &[Module], explicit: &[Registration], expected: &[String]) -> Self {
        let linked = linked();
        let mut problems = Vec::new();
        let mut registrations = explicit.to_vec();
        registrations.extend(in_modules(&linked, listed, &mut problems));
        registrations.sort_by_key(|one| (one.kind, one.name, one.location, one.item));
        registrations.dedup_by(|one, other| one.is_same_item(other));
        if registrations.is_empty() {
            problems.push(Problem::Empty);
        }
        let packages: BTreeSet<_> = linked.iter().chain(explicit).map(|one| one.package).collect();
        let missing = expected.iter().filter(|package| !packages.contains(package.as_str()));
        problems.extend(missing.map(|package| Problem::MissingCrate { package: package.clone() }));
        check_names(&registrations, &mut problems);
        check_events(&registrations, &mut problems);
        check_handlers(&registrations, &mut problems);
        Self { registrations, problems }
    }
}

fn in_modules(
    linked: &[Registration],
    listed: &[Module],
    problems: &mut Vec<Problem>,
) -> Vec<Registration> {
    let declared = linked.iter().filter(|one| one.kind == Kind::Module).map(|one| Module(*one));
    let modules: Vec<Module> = declared.chain(listed.iter().copied()).collect();
    let is_listed: HashSet<&str> = listed.iter().map(Module::path).collect();
    let home = |path: &str| {
        let holding = modules.iter().filter_map(|one| Some((one.holds(path)?, one.path())));
        holding.max().map(|(_, path)| path)
    };
    let mut filled = HashSet::new();
    let mut chosen = Vec::new();
    for one in linked.iter().filter(|one| one.kind != Kind::Module) {
        if let Some(module) = home(one.module_path).filter(|path| is_listed.contains(path)) {
            filled.insert(module);
            chosen.push(*one);
        }
    }
    for module in listed.iter().filter(|module| !filled.contains(module.path())) {
        let location = module.0.location;
        problems.push(Problem::EmptyModule { module: module.path(), location });
    }
    chosen
}

/// Names must be unique among what is found or kept by them.
fn check_names(registrations: &[Registration], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<(&'static str, &'static str), SourceLocation> = BTreeMap::new();
    for one in registrations {
        let kind = match one.kind {
            Kind::Command => "commands",
            Kind::Query => "queries",
            Kind::Aggregate => "aggregates",
            Kind::Projection => "projections",
            Kind::EventHandler => "event handlers",
            _ => continue,
        };
        if let Some(first) = seen.insert((kind, one.name), one.location) {
            let (name, second) = (one.name, one.location);
            problems.push(Problem::DuplicateName { kind, name, first, second });
        }
    }
}

/// Every command and query has exactly one handler.
fn check_handlers(registrations: &[Registration], problems: &mut Vec<Problem>) {
    let mut handlers: HashMap<TypeId, SourceLocation> = HashMap::new();
    for one in registrations {
        let Body::Handler { message, .. } = one.body else { continue };
        if let Some(first) = handlers.insert(message(), one.location) {
            let (name, second) = (one.name, one.location);
            problems.push(Problem::DuplicateHandler { name, first, second });
        }
    }
    for one in registrations {
        let Body::Message { type_id, .. } = one.body else { continue };
        if !handlers.contains_key(&type_id()) {
            let (name, location) = (one.name, one.location);
            problems.push(Problem::MissingHandler { name, location });
        }
    }
}
