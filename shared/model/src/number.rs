//! The number 123 is the identifier `"123"`, however it is written.

/// The longest plain form: no identifier has more digits, and `1e999999999` must not fill the memory.
const MAX_DIGITS: usize = 64;

/// A JSON number as plain decimal digits when it is a whole number: `1.5e2` and `150.0` are `150`, `-0` is `0`.
/// `None` when it is not whole, longer than 64 digits, or already plain.
pub fn plain(number: &str) -> Option<String> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (digits, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The point is moved right by the exponent: `shift` digits of zeros come after, or digits are cut off.
    let significant = format!("{whole}{fraction}");
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return (number != "0").then(|| "0".to_owned());
    }
    let shift = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let magnitude = match usize::try_from(shift) {
        Ok(zeros) if zeros <= MAX_DIGITS => format!("{significant}{}", "0".repeat(zeros)),
        Ok(_) => return None,
        Err(_) => {
            let cut = usize::try_from(shift.unsigned_abs()).ok()?;
            let keep = significant.len().checked_sub(cut)?;
            let (kept, fraction) = significant.split_at(keep);
            if kept.is_empty() || fraction.bytes().any(|digit| digit != b'0') {
                return None;
            }
            kept.to_owned()
        }
    };
    let plain = format!("{sign}{magnitude}");
    (plain.len() <= MAX_DIGITS && plain != number).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn whole_numbers_have_one_plain_form() {
        for (number, wanted) in [
            ("0", None),
            ("123", None),
            ("-7", None),
            ("12345678901234567890123", None),
            ("-0", Some("0")),
            ("0.0", Some("0")),
            ("0e999999999999", Some("0")),
            ("123.0", Some("123")),
            ("1.23e2", Some("123")),
            ("1230E-1", Some("123")),
            ("1e+2", Some("100")),
            ("-1.50e1", Some("-15")),
            ("0.001e3", Some("1")),
            ("1.5", None),
            ("1e-1", None),
            ("100e-3", None),
            ("1e999999999", None),
            ("1e-99999999999999999999", None),
            ("1e99999999999999999999", None),
        ] {
            assert_eq!(plain(number).as_deref(), wanted, "{number}");
        }
    }
}
