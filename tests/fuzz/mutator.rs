//! Inputs made of kept ones: bytes flipped, words put in, lines doubled and dropped, two inputs spliced. All of it follows from
//! a seed.

use crate::harness::dice::Dice;

/// Bytes an input grows to at most.
const BYTES_MAX: usize = 16 << 10;

/// An input made of one of `inputs`, by one to three changes: with more of them hardly anything gets past the first line.
pub fn mutated(dice: &mut Dice, inputs: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = dice.pick(inputs).clone();
    for _ in 0..=dice.below(3) {
        change(dice, &mut bytes, inputs, words);
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn change(dice: &mut Dice, bytes: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[Vec<u8>]) {
    let at = dice.below(bytes.len() + 1);
    let to = (at + dice.below(32)).min(bytes.len());
    match dice.below(12) {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = *dice.pick(b"\0\r\n \t:;,=\"\\^%/<>&0129\x7f\x80\xc0\xff")),
        2 => drop(bytes.drain(at..to)),
        3 => insert(bytes, at, dice.pick::<Vec<u8>>(words)),
        4 => {
            // A word in the place of a value.
            let start = bytes.iter().skip(at).position(|byte| b":=".contains(byte)).map_or(at, |colon| at + colon + 1);
            let end = bytes.iter().skip(start).position(|byte| b"\r\n;".contains(byte)).map_or(bytes.len(), |end| start + end);
            bytes.splice(start..end, dice.pick::<Vec<u8>>(words).iter().copied());
        }
        5 => {
            let lines = lines(bytes);
            let line = dice.pick(&lines).clone();
            let target = dice.pick(&lines).start;
            let copy = bytes[line].to_vec();
            insert(bytes, target, &copy);
        }
        6 => {
            let line = dice.pick(&lines(bytes)).clone();
            bytes.drain(line);
        }
        7 => {
            // A number somewhere becomes an extreme one.
            let digits = bytes.iter().enumerate().skip(at).find(|(_, byte)| byte.is_ascii_digit()).map(|(index, _)| index);
            if let Some(start) = digits {
                let end = bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |length| start + length);
                let number = *dice.pick(&["0", "1", "-1", "366", "9999", "65536", "4294967295", "18446744073709551616", "00"]);
                bytes.splice(start..end, number.bytes());
            }
        }
        8 => {
            let other = dice.pick(inputs);
            let from = dice.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {
            // A line of one input in another is what is most often still something.
            let other = dice.pick(inputs);
            let line = other[dice.pick(&lines(other)).clone()].to_vec();
            let target = dice.pick(&lines(bytes)).start;
            insert(bytes, target, &line);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}

/// Where lines stand, ends included; an empty one if there is none.
fn lines(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut all = Vec::new();
    let mut start = 0;
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        all.push(start..index + 1);
        start = index + 1;
    }
    if start < bytes.len() || all.is_empty() {
        all.push(start..bytes.len());
    }
    all
}

/// The words of a dictionary of libFuzzer's: a quoted one in each line, with `\x0d` and `\\`.
pub fn words(dictionary: &str) -> Vec<Vec<u8>> {
    let quoted = dictionary.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix('"'));
    let words: Vec<Vec<u8>> = quoted.map(unquoted).collect();
    assert!(words.len() > 50, "{}", words.len());
    words
}

fn unquoted(quoted: &str) -> Vec<u8> {
    let mut word = Vec::new();
    let mut bytes = quoted.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next().expect("something after a backslash") {
                b'x' => {
                    let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                    word.push(u8::from_str_radix(&digits, 16).unwrap());
                }
                other => word.push(other),
            },
            other => word.push(other),
        }
    }
    word
}
