//! Cost against size, as a picture: one panel for each kind of workload, one line for each server, both axes logarithmic.

use crate::compare::Row;
use crate::measure::Round;
use std::collections::BTreeMap;
use std::fmt::Write;

const PANEL_WIDTH: f64 = 300.0;
const PANEL_HEIGHT: f64 = 210.0;
const COLUMNS: usize = 3;
/// Around the axes of a panel.
const LEFT: f64 = 54.0;
const TOP: f64 = 30.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 34.0;
const COLOURS: [&str; 6] = ["#b03a2e", "#7f8c8d", "#2471a3", "#7d6608", "#6c3483", "#117a65"];

/// Size, and microseconds of server CPU of one item.
type Points = Vec<(f64, f64)>;

/// A kind of workload, with a line of points for each server.
type Panel<'a> = (String, BTreeMap<&'a str, Points>);

/// What was measured at several sizes; nothing if nothing was.
pub(crate) fn draw(rows: &[Row]) -> Option<String> {
    let panels = panels(rows);
    if panels.is_empty() {
        return None;
    }
    let mut servers: Vec<&str> = Vec::new();
    for cell in rows.iter().flat_map(|row| &row.cells) {
        if !servers.contains(&cell.server.as_str()) {
            servers.push(&cell.server);
        }
    }
    let lines = panels.len().div_ceil(COLUMNS);
    let (width, height) = (PANEL_WIDTH * COLUMNS as f64, PANEL_HEIGHT * lines as f64 + 30.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <title>Server CPU of one item, in microseconds, against the events in the calendar</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (number, server) in servers.iter().enumerate() {
        let x = LEFT + 120.0 * number as f64;
        let colour = colour(number);
        let y = height - 12.0;
        svg.push_str(&format!(
            "<circle cx=\"{x}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{server}</text>\n",
            y - 4.0,
            x + 8.0
        ));
    }
    for (number, panel) in panels.iter().enumerate() {
        let (x, y) = ((number % COLUMNS) as f64 * PANEL_WIDTH, (number / COLUMNS) as f64 * PANEL_HEIGHT);
        svg.push_str(&format!("<g transform=\"translate({x} {y})\">\n{}</g>\n", one(panel, &servers)));
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// What was measured at more than one size.
fn panels(rows: &[Row]) -> Vec<Panel<'_>> {
    let mut panels: Vec<Panel<'_>> = Vec::new();
    for row in rows {
        let size = row.workload.size;
        let name = row.workload.name.replace(&format!("-{size}"), "");
        let title = if row.items > 1.5 { format!("{name}, per row") } else { name };
        let at = panels.iter().position(|(known, _)| *known == title).unwrap_or(panels.len());
        if at == panels.len() {
            panels.push((title, BTreeMap::new()));
        }
        for cell in row.cells.iter().filter(|cell| cell.refused.is_none() && !cell.rounds.is_empty()) {
            let point = (f64::from(size), (cell.median(Round::cpu_micros) / row.items).max(0.01));
            if let Some((_, lines)) = panels.get_mut(at) {
                lines.entry(&cell.server).or_default().push(point);
            }
        }
    }
    panels.retain(|(_, lines)| lines.values().any(|points| points.len() > 1));
    panels
}

fn colour(number: usize) -> &'static str {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or("#000000")
}

fn one((title, lines): &Panel<'_>, servers: &[&str]) -> String {
    let points = || lines.values().flatten();
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (least, most) = points().map(of).fold((f64::MAX, f64::MIN), |(least, most), one| (least.min(one), most.max(one)));
        (least.log10().floor(), most.log10().ceil().max(least.log10().floor() + 1.0))
    };
    let ((x_least, x_most), (y_least, y_most)) = (range(|point| point.0), range(|point| point.1));
    let x = |size: f64| LEFT + (size.log10() - x_least) / (x_most - x_least) * (PANEL_WIDTH - LEFT - RIGHT);
    let y = |cost: f64| TOP + (y_most - cost.log10()) / (y_most - y_least) * (PANEL_HEIGHT - TOP - BOTTOM);
    let mut svg = format!("<text x=\"{LEFT}\" y=\"18\" font-weight=\"bold\">{title}</text>\n");
    let mut draw = |text: std::fmt::Arguments<'_>| {
        // A String takes whatever is written to it.
        let _always = svg.write_fmt(text);
    };
    let (right, bottom) = (PANEL_WIDTH - RIGHT, PANEL_HEIGHT - BOTTOM);
    for power in y_least as i32..=y_most as i32 {
        let (at, label) = (y(10f64.powi(power)), micros(power));
        draw(format_args!("<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#dddddd\"/>"));
        draw(format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n", LEFT - 5.0, at + 4.0));
    }
    for power in x_least as i32..=x_most as i32 {
        let (at, below) = (x(10f64.powi(power)), bottom + 16.0);
        draw(format_args!("<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#eeeeee\"/>"));
        draw(format_args!("<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">10{}</text>\n", raised(power)));
    }
    for (number, server) in servers.iter().enumerate() {
        let Some(points) = lines.get(server) else { continue };
        let at: Vec<String> = points.iter().map(|&(size, cost)| format!("{:.1},{:.1}", x(size), y(cost))).collect();
        let colour = colour(number);
        draw(format_args!("<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", at.join(" ")));
        for point in at.iter().filter_map(|point| point.split_once(',')) {
            draw(format_args!("<circle cx=\"{}\" cy=\"{}\" r=\"3\" fill=\"{colour}\"/>", point.0, point.1));
        }
        draw(format_args!("\n"));
    }
    svg
}

/// A power of ten of microseconds, as people say it.
fn micros(power: i32) -> String {
    let (unit, rest) = match power {
        ..-3 => return format!("1e{power} µs"),
        -3..0 => ("ns", power + 3),
        0..3 => ("µs", power),
        3..6 => ("ms", power - 3),
        6.. => ("s", power - 6),
    };
    format!("{} {unit}", 10f64.powi(rest))
}

/// Digits as exponents.
fn raised(power: i32) -> String {
    power.to_string().chars().filter_map(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10)? as usize)).collect()
}
