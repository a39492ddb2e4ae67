//! Records as applications keep them: JSON whose fields repeat from one record to the next,
//! and whose values mostly do not.

use std::fmt::{self, Write};

use crate::dice::Dice;

/// Makes records, the same ones for the same seed.
#[derive(Debug)]
pub struct Records(Dice);

/// A kind of record.
pub type Kind = fn(&Records) -> String;

const NAMES: [&str; 47] = [
    "Ada",
    "Alan",
    "Barbara",
    "Carla",
    "Claude",
    "Dana",
    "Donald",
    "Edsger",
    "Edith",
    "Emeka",
    "Farid",
    "Frances",
    "Grace",
    "Hedy",
    "Hiroshi",
    "Ines",
    "Ivan",
    "Jamal",
    "Joan",
    "John",
    "Katherine",
    "Kwame",
    "Leslie",
    "Lin",
    "Margaret",
    "Mei",
    "Nadia",
    "Niklaus",
    "Olga",
    "Omar",
    "Priya",
    "Quentin",
    "Radia",
    "Rosa",
    "Samir",
    "Sophie",
    "Tariq",
    "Tim",
    "Ursula",
    "Vera",
    "Vint",
    "Wanda",
    "Whitfield",
    "Ximena",
    "Yuki",
    "Zoe",
    "Zuse",
];

const WORDS: [&str; 40] = [
    "please",
    "leave",
    "the",
    "parcel",
    "at",
    "door",
    "call",
    "before",
    "delivery",
    "gift",
    "wrap",
    "ring",
    "twice",
    "neighbour",
    "garage",
    "code",
    "is",
    "fragile",
    "handle",
    "with",
    "care",
    "not",
    "after",
    "six",
    "left",
    "behind",
    "green",
    "gate",
    "second",
    "floor",
    "office",
    "only",
    "on",
    "weekdays",
    "thanks",
    "invoice",
    "separately",
    "keep",
    "dry",
    "returns",
];

const PLACES: [&str; 12] = [
    "London", "Paris", "Zürich", "Lagos", "Osaka", "Lima", "Oslo", "Austin", "Cairo", "Mumbai",
    "Toronto", "Perth",
];

const PRODUCTS: [&str; 16] = [
    "keyboard",
    "monitor",
    "notebook",
    "headphones",
    "cable",
    "charger",
    "camera",
    "tripod",
    "microphone",
    "speaker",
    "desk lamp",
    "chair",
    "backpack",
    "router",
    "tablet",
    "printer",
];

const STATES: [&str; 6] = [
    "pending",
    "paid",
    "shipped",
    "delivered",
    "returned",
    "cancelled",
];

impl Records {
    /// Records that this seed decides.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    /// An account, of about 200 bytes.
    #[must_use]
    pub fn account(&self) -> String {
        let (first, last) = (self.one_of(&NAMES), self.one_of(&NAMES));
        let mut record = format!(
            r#"{{"id":"{}","name":"{first} {last}","email":"{}@example.com","seen":"{}","plan":"{}","locale":"{}","logins":{}"#,
            self.uuid(),
            self.mailbox(first, last),
            self.time(),
            self.one_of(&["free", "team", "business"]),
            self.one_of(&["de-CH", "en-GB", "en-US", "fr-FR", "ja-JP"]),
            self.below(4_000),
        );
        if self.0.once_in(2) {
            let place = self.one_of(&PLACES);
            add(&mut record, format_args!(r#","home":{{"city":"{place}"}}"#));
        }
        record.push('}');
        record
    }

    /// An order, of about 1,000 bytes.
    #[must_use]
    pub fn order(&self) -> String {
        let (first, last) = (self.one_of(&NAMES), self.one_of(&NAMES));
        let mut record = format!(
            r#"{{"order":"{}","state":"{}","created":"{}","changed":"{}","customer":{{"id":{},"name":"{first} {last}","email":"{}@example.com","phone":"+{} {:07}","address":{{"street":"{} {} Street","city":"{}","postcode":"{:05}"}}}},"note":""#,
            self.uuid(),
            self.one_of(&STATES),
            self.time(),
            self.time(),
            self.below(10_000_000),
            self.mailbox(first, last),
            self.below(99),
            self.below(10_000_000),
            self.below(300),
            self.one_of(&NAMES),
            self.one_of(&PLACES),
            self.below(100_000),
        );
        for _ in 0..self.below(20) {
            let word = self.one_of(&WORDS);
            add(&mut record, format_args!("{word} "));
        }
        record.push_str(r#"","items":["#);
        for number in 0..3 + self.below(5) {
            if number > 0 {
                record.push(',');
            }
            self.add_item(&mut record);
        }
        let (total, cents) = (self.below(9_000), self.below(100));
        let checksum = self.hexadecimal(40);
        add(
            &mut record,
            format_args!(r#"],"total":{total}.{cents:02},"checksum":"{checksum}"}}"#),
        );
        record
    }

    fn add_item(&self, record: &mut String) {
        let (sku, product) = (self.hexadecimal(10), self.one_of(&PRODUCTS));
        let (count, price, cents) = (1 + self.below(9), self.below(900), self.below(100));
        let (currency, tag) = (
            self.one_of(&["EUR", "USD", "GBP", "JPY"]),
            self.one_of(&["new", "sale", "bulk", "gift"]),
        );
        add(
            record,
            format_args!(
                r#"{{"sku":"{sku}","name":"{product}","count":{count},"price":{{"amount":{price}.{cents:02},"currency":"{currency}"}},"tags":["{tag}"]}}"#
            ),
        );
    }

    fn below(&self, end: u64) -> u64 {
        self.0.below(end)
    }

    fn one_of(&self, options: &[&'static str]) -> &'static str {
        match options {
            [first, others @ ..] => self.0.pick(first, others),
            [] => "",
        }
    }

    fn mailbox(&self, first: &str, last: &str) -> String {
        let (first, last) = (first.to_lowercase(), last.to_lowercase());
        format!("{first}.{last}{}", self.below(1_000))
    }

    fn time(&self) -> String {
        format!(
            "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            1 + self.below(12),
            1 + self.below(28),
            self.below(24),
            self.below(60),
            self.below(60),
            self.below(1_000)
        )
    }

    fn uuid(&self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|digits| self.hexadecimal(digits));
        parts.join("-")
    }

    fn hexadecimal(&self, digits: usize) -> String {
        let digit = |_| char::from_digit(u32::from(self.0.small(16)), 16).unwrap_or('0');
        (0..digits).map(digit).collect()
    }
}

fn add(record: &mut String, what: fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = record.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_about_as_long_as_they_say_and_none_is_like_another() {
        let records = Records::new(1);
        let kinds: [(Kind, usize); 2] = [(Records::account, 200), (Records::order, 1_000)];
        for (make, bytes) in kinds {
            let mut made: Vec<_> = (0..1_000).map(|_| make(&records)).collect();
            let mean = made.iter().map(String::len).sum::<usize>() / made.len();
            assert!((bytes * 9 / 10..=bytes * 11 / 10).contains(&mean), "{mean}");
            for record in &made {
                serde_json::from_str::<serde_json::Value>(record).unwrap();
            }
            made.sort();
            made.dedup();
            assert_eq!(made.len(), 1_000);
        }
        assert_eq!(Records::new(1).account(), Records::new(1).account());
    }
}
