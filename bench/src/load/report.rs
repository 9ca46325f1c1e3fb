//! What is told of a comparison: to people as a table, to programs as JSON.

use crate::compare::{Cell, Row};
use crate::measure::Round;
use serde_json::{Value, json};

/// One workload, one line for each server.
pub(crate) fn row(row: &Row) -> String {
    let plural = if row.connections == 1 { "" } else { "s" };
    let mut text = format!("{}, {} connection{plural}, {:.0} item(s) an answer\n", row.workload.name, row.connections, row.items);
    let first = row.cells.first();
    for cell in &row.cells {
        let name = &cell.server;
        if let Some(words) = &cell.refused {
            text.push_str(&format!("  {name:<12} refused: {words}\n"));
            continue;
        }
        let (cpu, rate) = (cell.median(Round::cpu_micros), cell.median(Round::rate));
        text.push_str(&format!(
            "  {name:<12} cpu {cpu:>10.1} µs ±{:>3.0} %  item {:>8.2} µs  p50 {:>8.2} ms  p99 {:>8.2} ms  {rate:>9.1}/s  peak {:>5.0} MB  PSS {:>5.0} MB  disk {:>5.0} MB",
            cell.spread(Round::cpu_micros) * 50.0,
            cpu / row.items,
            cell.median(|round| round.percentile(50)),
            cell.median(|round| round.percentile(99)),
            megabytes(cell.memory.peak_bytes),
            megabytes(cell.memory.proportional_bytes),
            megabytes(cell.disk_bytes),
        ));
        if let Some(first) = first.filter(|first| !std::ptr::eq(*first, cell)) {
            let (cpu, rate) = (first.ratio(cell, Round::cpu_micros), first.ratio(cell, Round::rate));
            if let (Some(cpu), Some(rate)) = (cpu, rate) {
                text.push_str(&format!("  cpu {cpu:.2}x, rate {rate:.2}x"));
            }
        }
        if cell.wrong() > 0 {
            let told = cell.rounds.iter().find_map(|round| round.told.first());
            text.push_str(&format!("  {} WRONG: {}", cell.wrong(), told.cloned().unwrap_or_default()));
        }
        if cell.connections != row.connections {
            text.push_str("  (1 connection)");
        }
        text.push('\n');
    }
    text
}

/// How fast the largest calendar came into a server.
pub(crate) fn filled(server: &str, round: &Round) -> String {
    format!(
        "load, 16 connections: {} events put into {server} in {:.1} s: {:.0}/s, cpu {:.0} µs each, p99 {:.1} ms",
        round.answers,
        round.seconds,
        round.rate(),
        round.cpu_micros(),
        round.percentile(99)
    )
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Everything, for programs.
pub(crate) fn json(rows: &[Row]) -> Value {
    let cell = |cell: &Cell| {
        let rounds = cell.rounds.iter().map(|round| {
            json!({
                "answers": round.answers, "wrong": round.wrong, "seconds": round.seconds, "cpu_micros": round.cpu_micros(),
                "rate": round.rate(), "p50_ms": round.percentile(50), "p99_ms": round.percentile(99), "bytes": round.bytes,
            })
        });
        json!({
            "server": cell.server, "connections": cell.connections, "refused": cell.refused, "cpu_micros": cell.median(Round::cpu_micros), "rate": cell.median(Round::rate),
            "p50_ms": cell.median(|round| round.percentile(50)), "p99_ms": cell.median(|round| round.percentile(99)),
            "peak_bytes": cell.memory.peak_bytes, "resident_bytes": cell.memory.resident_bytes,
            "proportional_bytes": cell.memory.proportional_bytes, "disk_bytes": cell.disk_bytes,
            "rounds": rounds.collect::<Vec<_>>(),
        })
    };
    let row = |row: &Row| {
        let level = row.workload.level.unwrap_or("owner");
        json!({
            "workload": row.workload.name, "size": row.workload.size, "view": level, "connections": row.connections,
            "items": row.items, "servers": row.cells.iter().map(cell).collect::<Vec<_>>(),
        })
    };
    Value::Array(rows.iter().map(row).collect())
}
