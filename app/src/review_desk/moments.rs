//! Moments as files and pages write them: Japan's time, ISO 8601.

use words::{Date, Moment};

const DAY_MS: i64 = 86_400_000;
const JAPAN_MS: i64 = 9 * 3_600_000;

/// `2026-11-22T13:24:05.123+09:00`.
pub(super) fn written(moment: Moment) -> String {
    let of_day = moment.0.saturating_add(JAPAN_MS).rem_euclid(DAY_MS);
    let (seconds, ms) = (of_day / 1000, of_day % 1000);
    format!(
        "{}T{:02}:{:02}:{:02}.{ms:03}+09:00",
        moment.date_in_japan(),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// `2026-11-22 13:24`, for people.
pub(super) fn shown(moment: Moment) -> String {
    written(moment).replace('T', " ").chars().take(16).collect()
}

/// Reads what [`written`] writes; also without fractions of a second, and with `Z` for UTC.
pub(super) fn read(text: &str) -> Option<Moment> {
    let (date, rest) = text.split_once('T')?;
    let (clock, offset_ms) = match rest.strip_suffix("+09:00") {
        Some(clock) => (clock, JAPAN_MS),
        None => (rest.strip_suffix('Z')?, 0),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "000"));
    let mut parts = clock.split(':').map(|part| figures(part, 2));
    let [hours, minutes, seconds] = [parts.next()??, parts.next()??, parts.next()??];
    let ms = figures(fraction, 3)?;
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let days = Date::parse(date).ok()?.days();
    let of_day = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
    days.checked_mul(DAY_MS)?.checked_add(of_day)?.checked_sub(offset_ms).map(Moment)
}

fn figures(text: &str, length: usize) -> Option<i64> {
    let whole = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(ms in -60_000_000_000_000_i64..250_000_000_000_000) {
            prop_assert_eq!(read(&written(Moment(ms))), Some(Moment(ms)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = read(&text);
        }
    }

    #[test]
    fn known_moments() {
        assert_eq!(written(Moment(0)), "1970-01-01T09:00:00.000+09:00");
        assert_eq!(read("1970-01-01T00:00:00Z"), Some(Moment(0)));
        assert_eq!(shown(Moment(0)), "1970-01-01 09:00");
        for bad in
            ["", "1970-01-01", "1970-01-01T24:00:00Z", "1970-02-30T00:00:00Z", "1970-01-01T0:00:00Z", "T:Z"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
