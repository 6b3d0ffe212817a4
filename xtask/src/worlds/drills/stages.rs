//! Stages that cannot be set, and judges that give no verdict.

use greenroom::scenario::{Scenario, Stage};

/// One more than a world has.
const TOO_MANY: u32 = 65_536;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("drill/stage-panics", "the function that sets the stage panics", |_| {
            panic!("the stage\nis not to be had");
        }),
        Scenario::new("drill/stage-spins", "the function that sets the stage spins", |_| {
            super::spins();
        }),
        Scenario::new("drill/stage-exits", "the function that sets the stage exits", |_| {
            std::process::exit(0);
        }),
        Scenario::new("drill/two-of-a-name", "two hosts have one name", |stage| {
            client(stage, "cli");
            client(stage, "cli");
        }),
        Scenario::new("drill/too-many-hosts", "there are more hosts than a world has", |stage| {
            (0..TOO_MANY).for_each(|number| client(stage, &format!("cli{number}")));
        }),
        Scenario::new("drill/judge-panics", "a judge panics", |stage| {
            client(stage, "cli");
            stage.judge("nothing is wrong", || panic!("no verdict"));
        }),
        Scenario::new("drill/judge-spins", "a judge never returns", |stage| {
            client(stage, "cli");
            stage.judge("nothing is wrong", || {
                super::spins();
                Ok(())
            });
        }),
    ]
}

fn client(stage: &mut Stage, name: &str) {
    stage.client(name, || Ok(()));
}
