//! What each command says of its exit codes.

/// What every command ends with.
pub(super) const CODES: &str = "\
Exit code: 0 held; 1 a property failed, a seed hung or ended its process, or the output could not be written; \
2 usage; 3 not deterministic; 101 an error of this tool; 141 whoever read the output closed it";
pub(super) const CODES_OF_REPLAY: &str = "\
Exit code: 0 held; 1 a property failed, the run hung or ended its process, or the output could not be written; \
2 usage; 3 not deterministic; 4 nothing failed, and not all deviations matched, or some are in doubt; \
101 an error of this tool; 141 whoever read the output closed it";
pub(super) const CODES_OF_RUNNERS: &str = "\
Exit code: 0 held; 1 a property failed, a performance ended its process, or the output could not be written; \
2 usage; 101 an error of this tool; 141 whoever read the output closed it";
