//! Draws the rows as a bar chart for the README.

use std::fmt::Write;

use super::Row;

const LINE: usize = 26;
const LEFT: usize = 430;
const WIDTH: usize = 360;

/// Bars are ratios on a logarithmic scale from 0.05 to 100; a tick marks the required ratio.
pub fn svg(rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.ratio.is_finite()).collect();
    let height = rows.len() * LINE + 60;
    let x = |ratio: f64| LEFT as f64 + WIDTH as f64 * ((ratio.clamp(0.05, 100.0) / 0.05).ln() / 2000f64.ln());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{height}\" viewBox=\"0 0 {0} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"24\" font-weight=\"600\">Purge engine against references (1 = as fast; dark tick = must reach)</text>\n",
        LEFT + WIDTH + 90
    );
    for (at, row) in rows.iter().enumerate() {
        let y = 44 + at * LINE;
        let good = row.at_least.is_none_or(|least| row.ratio >= least);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"16\" fill=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#555\">{:.2}</text>",
            LEFT - 10,
            y + 13,
            row.name,
            x(row.ratio) - LEFT as f64,
            if good { "#2f7d5b" } else { "#c8553d" },
            x(row.ratio) + 6.0,
            y + 13,
            row.ratio,
        );
        if let Some(least) = row.at_least {
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{}\" width=\"2\" height=\"20\" fill=\"#1b1b1b\"/>",
                x(least),
                y - 2
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
