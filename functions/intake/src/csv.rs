//! Tables as RFC 4180 writes them, for spreadsheets.

/// A line of a table, its end included.
pub fn line<const N: usize>(cells: [&str; N]) -> String {
    cells.map(cell).join(",") + "\r\n"
}

/// What a spreadsheet takes for the beginning of a formula, also in full width.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A cell: always in quotes. One that a spreadsheet would take for a formula gets an apostrophe, which makes it a text
/// there, also behind blanks, which spreadsheets leave out (owasp.org, "CSV Injection"). The console writes by the same
/// rule (`csv.ts`), and takes the apostrophe away: one that stands there already gets another.
fn cell(text: &str) -> String {
    let bare = text.trim_start_matches('\'');
    let formula = bare.starts_with(['\t', '\r', '\n']) || bare.trim_start().starts_with(FORMULA);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_one_and_is_no_formula() {
        assert_eq!(line(["a, \"b\"\r\nc", "d"]), "\"a, \"\"b\"\"\r\nc\",\"d\"\r\n");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "'=1"] {
            assert_eq!(cell(formula), format!("\"'{formula}\""));
        }
        assert_eq!(cell("a=1"), "\"a=1\"");
    }
}
