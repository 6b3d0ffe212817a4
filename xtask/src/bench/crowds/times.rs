//! How long a crowd took and one of twice its size, time after time.

use super::super::machine::median;
use super::super::process;
use super::CROWD;

/// What both crowds took, each time.
#[derive(Default)]
pub(super) struct Times {
    few: Vec<f64>,
    many: Vec<f64>,
}

impl Times {
    pub(super) fn measure(&mut self, name: &str) -> Result<(), String> {
        self.few.push(measured(name, CROWD)?);
        self.many.push(measured(name, 2 * CROWD)?);
        Ok(())
    }
    pub(super) fn medians(&self) -> [f64; 2] {
        [median(self.few.clone()), median(self.many.clone())]
    }
    pub(super) fn ratio(&self) -> f64 {
        let [few, many] = self.medians();
        many / few
    }
}

fn measured(name: &str, crowd: usize) -> Result<f64, String> {
    let mut child = process::start(0, &[], &["crowd", name, &crowd.to_string()])?;
    let [us] = child.figures()?;
    child.finish()?;
    Ok(us)
}
