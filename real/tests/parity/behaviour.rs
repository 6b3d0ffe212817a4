//! The scenes, compiled against std's modules and against ours. Each answers what it saw.

use super::{net, pipes, thread, unix};
use crate::stage;

mod pipe;
mod tcp;
mod udp;
mod unix_domain;

/// A scene by its name, and how it is played.
pub type Scene = (&'static str, fn() -> String);

/// Every scene.
pub const SCENES: &[Scene] = &[
    ("an exchange and its end", tcp::exchange),
    ("half a close", tcp::half_close),
    ("a connection refused", tcp::refused),
    ("a connect runs out of time", tcp::connect_timeout),
    ("the end in the middle", tcp::end_in_the_middle),
    ("a peek", tcp::peek),
    ("timeouts", tcp::timeouts),
    ("a read into nothing", tcp::read_into_nothing),
    ("a TCP read into nothing runs out of time", tcp::read_into_nothing_out_of_time),
    ("several buffers", tcp::vectored),
    ("no waiting", tcp::nonblocking),
    ("clones", tcp::clones),
    ("options", tcp::options),
    ("options of a listener", tcp::listener_options),
    ("a reset", tcp::reset),
    ("writing to who is gone", tcp::write_to_nobody),
    ("addresses to bind", tcp::binding),
    ("a backlog", tcp::backlog),
    ("a shutdown wakes a reader", tcp::shutdown_wakes),
    ("what is no address", tcp::bad_addresses),
    ("a thread each", tcp::many),
    ("TCP shown", tcp::shown_as),
    ("datagrams", udp::exchange),
    ("datagrams cut short", udp::truncation),
    ("a connected socket for datagrams", udp::connected),
    ("datagrams nobody takes", udp::refused),
    ("datagrams that cannot go", udp::not_sent),
    ("timeouts of datagrams", udp::timeouts),
    ("options for datagrams", udp::options),
    ("groups", udp::groups),
    ("a group of IPv6", udp::groups_v6),
    ("a socket for datagrams shown", udp::shown_as),
    ("a Unix stream", unix_domain::stream),
    ("Unix paths that do not work", unix_domain::bad_paths),
    ("Unix paths and files", unix_domain::paths_and_files),
    ("a pair of Unix streams", unix_domain::pair),
    ("Unix streams and time", unix_domain::timeouts),
    ("abstract names", unix_domain::abstract_names),
    ("Unix datagrams", unix_domain::datagrams),
    ("Unix datagrams that cannot go", unix_domain::datagrams_not_sent),
    ("a pair for Unix datagrams", unix_domain::datagram_pair),
    ("a backlog of the Unix domain", unix_domain::backlog),
    ("a Unix shutdown wakes a reader", unix_domain::shutdown_wakes),
    ("a Unix shutdown wakes others", unix_domain::shutdown_wakes_others),
    ("the Unix domain shown", unix_domain::shown_as),
    ("a pipe", pipe::exchange),
    ("a pipe without a reader", pipe::no_reader),
    ("clones of a pipe", pipe::clones),
    ("a pipe that fills", pipe::fills),
];
