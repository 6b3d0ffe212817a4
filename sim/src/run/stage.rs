//! A run's stage and world. A story's own code may panic before anybody plays.

use std::panic::{self, AssertUnwindSafe};

use greenroom::driver;
use greenroom::scenario::{Scenario, Stage};

use super::quiet;
use crate::choices::Choices;
use crate::weather::Weather;
use crate::world::World;

/// Sets the stage and makes the world, or says what either panicked with.
pub(super) fn set(
    scenario: &Scenario,
    weather: &Weather,
    choices: Choices,
    keeps_events: bool,
) -> Result<(Stage, World), String> {
    let set = || {
        let stage = scenario.stage();
        let mut world = World::new(&stage.hosts, weather.clone(), choices, keeps_events);
        world.take_memory();
        (stage, world)
    };
    panic::catch_unwind(AssertUnwindSafe(set)).map_err(|payload| {
        let place = quiet::place_of_last().map(|place| format!(" (at {place})"));
        format!("{}{}", driver::panic_message(&*payload), place.unwrap_or_default())
    })
}
