//! The one table of socket options: what becomes of each. An option is added to it and to
//! `greenroom::hub::Opt`, and does not compile before.

use std::ops::RangeInclusive;

use greenroom::hub::Opt;

/// What becomes of an option.
#[cfg_attr(not(test), allow(dead_code, reason = "a test holds the documentation to the words"))]
pub(crate) enum Row {
    /// It is kept in a field of [`Options`](super::Options), by a rule of its own.
    Field(Field, Effect),
    /// It is kept as it was set: Linux's default, and what Linux takes.
    Kept(u32, RangeInclusive<u32>, Effect),
    /// It is kept as 0 or 1, whatever number is set.
    Flag(u32, Effect),
    /// It says what the socket is, and can't be set.
    Identity(Identity),
    /// It is `Unsupported`: a program could see that it does nothing.
    Refused(&'static str),
}

/// What setting it does.
#[cfg_attr(not(test), allow(dead_code, reason = "a test holds the documentation to the words"))]
pub(crate) enum Effect {
    /// What it does on Linux, as far as the words say.
    Honoured(&'static str),
    /// Nothing, and no program can tell: why.
    NotVisible(&'static str),
}

#[derive(Clone, Copy)]
pub(crate) enum Field {
    ReuseAddress,
    ReusePort,
    OnlyV6,
    Linger,
    SendBuffer,
    RecvBuffer,
}

#[derive(Clone, Copy)]
pub(crate) enum Identity {
    IsListener,
    Domain,
    Type,
    Protocol,
}

/// Any number.
const ANY: RangeInclusive<u32> = 0..=u32::MAX;
/// A byte of a header.
const BYTE: RangeInclusive<u32> = 0..=255;

pub(crate) fn row(option: Opt) -> Row {
    use Effect::{Honoured, NotVisible};
    use Row::{Field as Own, Flag, Identity as Asked, Kept, Refused};
    match option {
        Opt::ReuseAddress => Own(Field::ReuseAddress, Honoured("by bind, listen and delivery")),
        Opt::ReusePort => Own(Field::ReusePort, Honoured("by bind, listen and delivery")),
        Opt::SendBuffer => {
            Own(Field::SendBuffer, Honoured("UDP sends leave at once and never fill it"))
        }
        Opt::RecvBuffer => Own(Field::RecvBuffer, Honoured("")),
        Opt::Linger => {
            Own(Field::Linger, Honoured("where off or zero seconds; a close never waits"))
        }
        Opt::Broadcast => Flag(0, Honoured("")),
        Opt::KeepAlive => Flag(0, Honoured("by TCP; elsewhere idle, as on Linux")),
        Opt::UrgentInline => {
            Flag(0, Honoured("by TCP and Unix streams; elsewhere idle, as on Linux"))
        }
        Opt::PassCredentials => Refused("no call gives out credentials"),
        Opt::Priority => {
            // More takes a privilege.
            Kept(0, 0..=6, NotVisible("a link's queue makes no difference between packets"))
        }
        Opt::Mark => Refused("nothing routes or filters by it"),
        Opt::IncomingCpu => Refused("a host has no processors"),
        Opt::BusyPoll => Refused("a host has no devices"),
        Opt::IsListener => Asked(Identity::IsListener),
        Opt::Domain => Asked(Identity::Domain),
        Opt::Type => Asked(Identity::Type),
        Opt::Protocol => Asked(Identity::Protocol),

        Opt::NoDelay => Flag(0, Honoured("")),
        Opt::KeepIdle => Kept(7200, 1..=32_767, Honoured("")),
        Opt::KeepInterval => Kept(75, 1..=32_767, Honoured("")),
        Opt::KeepCount => Kept(9, 1..=127, Honoured("")),
        Opt::UserTimeout => Kept(0, 0..=i32::MAX as u32, Honoured("")),
        Opt::UnsentLowWater => Kept(0, ANY, Honoured("")),
        Opt::MaxSegment => {
            Kept(536, 88..=32_767, Honoured("for what this side sends; the rest is not visible"))
        }
        Opt::Cork => Flag(0, Honoured("")),
        Opt::QuickAck => {
            Flag(1, Honoured("no ACK waits once it is on, where Linux forgets it in time"))
        }
        Opt::ThinLinearTimeouts => Refused("a timeout always doubles"),
        Opt::Inq => Kept(0, 0..=1, Honoured("")),

        Opt::Ttl => Kept(64, 1..=255, NotVisible("a link is one hop")),
        Opt::Tos => Kept(0, ANY, NotVisible("a link's queue makes no difference between packets")),
        Opt::RecvTos => Flag(0, NotVisible("no call gives out what it asks for")),
        Opt::PacketInfoV4 => Flag(0, Honoured("by UDP; elsewhere idle")),
        Opt::FreeBind => Refused("an address that no host has can't be bound"),
        Opt::Transparent => Refused("an address of others can't be bound"),
        Opt::MulticastLoop => Flag(1, Honoured("")),
        Opt::MulticastTtl => Kept(1, BYTE, Honoured("")),
        Opt::MulticastAll => Flag(1, Honoured("")),
        Opt::MulticastInterface => Kept(0, ANY, Honoured("")),

        Opt::OnlyV6 => Own(Field::OnlyV6, Honoured("")),
        Opt::HopsV6 => Kept(64, BYTE, NotVisible("a link is one hop")),
        Opt::TrafficClassV6 => {
            Kept(0, BYTE, NotVisible("a link's queue makes no difference between packets"))
        }
        Opt::RecvTrafficClassV6 => Flag(0, NotVisible("no call gives out what it asks for")),
        Opt::RecvHopLimitV6 => Flag(0, NotVisible("no call gives out what it asks for")),
        Opt::PacketInfoV6 => Flag(0, Honoured("by UDP; elsewhere idle")),
        Opt::FreeBindV6 => Refused("an address that no host has can't be bound"),
        Opt::TransparentV6 => Refused("an address of others can't be bound"),
        Opt::MulticastLoopV6 => Kept(1, 0..=1, Honoured("")),
        Opt::MulticastHopsV6 => Kept(1, BYTE, Honoured("")),
        Opt::MulticastAllV6 => Flag(1, Honoured("")),
        Opt::MulticastInterfaceV6 => Kept(0, ANY, Honoured("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the table in `options.md`.
    fn line(option: Opt) -> String {
        let with = |word: &str, more: &str| match more {
            "" => word.to_owned(),
            more => format!("{word}: {more}"),
        };
        let here = match row(option) {
            Row::Field(_, Effect::Honoured(how))
            | Row::Kept(.., Effect::Honoured(how))
            | Row::Flag(_, Effect::Honoured(how)) => with("honoured", how),
            Row::Field(_, Effect::NotVisible(why))
            | Row::Kept(.., Effect::NotVisible(why))
            | Row::Flag(_, Effect::NotVisible(why)) => with("kept, no effect is visible", why),
            Row::Identity(_) => "asked for only".into(),
            Row::Refused(why) => with("refused", why),
        };
        format!("| `{}` | {here} |", option.name())
    }

    #[test]
    fn the_documentation_shows_the_table() {
        let documented = include_str!("options.md");
        let (_, rows) = documented.split_once("| --- | --- |\n").expect("it has a table");
        let (rows, _) = rows.split_once("| `TCP_CONGESTION`").expect("names follow the numbers");
        let table: Vec<String> = Opt::ALL.iter().map(|option| line(*option)).collect();
        assert_eq!(
            rows.trim_end(),
            table.join("\n"),
            "the table of options.md is now\n{}",
            table.join("\n")
        );
    }
}
