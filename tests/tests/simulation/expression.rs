//! DynamoDB's expressions, as far as the store uses them: conditions on an item, and updates of one. Anything else panics,
//! so that nothing is taken for what it is not.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html>,
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html>

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

pub type Item = Map<String, Value>;

/// Whether an expression holds for an item; an absent one has no attribute.
pub fn holds(expression: &str, item: &Item, request: &Value) -> bool {
    let mut reader = Reader::new(expression, item, request);
    let held = reader.any();
    assert!(reader.at == reader.tokens.len(), "what follows is not read: {expression}");
    held
}

/// An item after an update.
pub fn updated(expression: &str, item: &Item, request: &Value) -> Item {
    let mut reader = Reader::new(expression, item, request);
    let (mut after, mut clause) = (item.clone(), String::new());
    while let Some(token) = reader.peek() {
        if ["SET", "REMOVE", "ADD", "DELETE"].contains(&token.as_str()) {
            clause = reader.next();
            continue;
        }
        if token == "," {
            reader.next();
            continue;
        }
        let name = reader.name();
        match clause.as_str() {
            "SET" => {
                reader.expect("=");
                let value = reader.operand().unwrap_or_else(|| panic!("no value: {expression}"));
                after.insert(name, value);
            }
            "REMOVE" => drop(after.remove(&name)),
            "ADD" => {
                let more = reader.operand().expect("a value");
                let sum = added(item.get(&name), &more);
                after.insert(name, sum);
            }
            "DELETE" => {
                let gone = texts(&reader.operand().expect("a value"));
                let mut left = after.get(&name).map(texts).unwrap_or_default();
                left.retain(|text| !gone.contains(text));
                match left.is_empty() {
                    true => drop(after.remove(&name)),
                    false => drop(after.insert(name, json!({ "SS": left }))),
                }
            }
            _ => panic!("no clause: {expression}"),
        }
    }
    after
}

fn added(so_far: Option<&Value>, more: &Value) -> Value {
    if let Some(number) = more.get("N") {
        let of = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok()).expect("a number");
        let so_far = so_far.map_or(0, |value| of(&value["N"]));
        return json!({ "N": (so_far + of(number)).to_string() });
    }
    let mut all = so_far.map(texts).unwrap_or_default();
    all.extend(texts(more));
    all.sort();
    all.dedup();
    json!({ "SS": all })
}

fn texts(set: &Value) -> Vec<String> {
    let texts = set["SS"].as_array().expect("a set of texts");
    texts.iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// How two values of one type compare; not at all, if their types differ or have no order.
fn compared(left: &Value, right: &Value) -> Option<Ordering> {
    let text = |value: &'_ Value, kind: &str| value.get(kind)?.as_str().map(str::to_owned);
    match (text(left, "S"), text(right, "S"), text(left, "N"), text(right, "N")) {
        (Some(left), Some(right), ..) => Some(left.cmp(&right)),
        (.., Some(left), Some(right)) => left.parse::<i128>().ok()?.partial_cmp(&right.parse().ok()?),
        _ => (left == right).then_some(Ordering::Equal),
    }
}

struct Reader<'a> {
    tokens: Vec<String>,
    at: usize,
    item: &'a Item,
    request: &'a Value,
}

impl<'a> Reader<'a> {
    fn new(expression: &str, item: &'a Item, request: &'a Value) -> Self {
        let mut spaced = String::new();
        for letter in expression.chars() {
            match letter {
                '(' | ')' | ',' => spaced.extend([' ', letter, ' ']),
                _ => spaced.push(letter),
            }
        }
        Self { tokens: spaced.split_whitespace().map(str::to_owned).collect(), at: 0, item, request }
    }

    fn peek(&self) -> Option<&String> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().unwrap_or_else(|| panic!("it ends early: {:?}", self.tokens))
    }

    fn take(&mut self, token: &str) -> bool {
        let there = self.peek().is_some_and(|next| next == token);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, token: &str) {
        assert!(self.take(token), "{token} is missing: {:?}", self.tokens);
    }

    /// The name of an attribute of the item itself.
    fn name(&mut self) -> String {
        let token = self.next();
        assert!(!token.contains(['.', '[']), "no path is known: {token}");
        match token.starts_with('#') {
            true => self.request["ExpressionAttributeNames"][&token].as_str().expect("a name").to_owned(),
            false => token,
        }
    }

    fn operand(&mut self) -> Option<Value> {
        if self.take("if_not_exists") {
            self.expect("(");
            let name = self.name();
            self.expect(",");
            let otherwise = self.operand();
            self.expect(")");
            return self.item.get(&name).cloned().or(otherwise);
        }
        if self.peek().is_some_and(|token| token.starts_with(':')) {
            let token = self.next();
            let value = &self.request["ExpressionAttributeValues"][&token];
            assert!(!value.is_null(), "{token} has no value");
            return Some(value.clone());
        }
        let name = self.name();
        self.item.get(&name).cloned()
    }

    fn any(&mut self) -> bool {
        let mut held = self.every();
        while self.take("OR") {
            held |= self.every();
        }
        held
    }

    fn every(&mut self) -> bool {
        let mut held = self.one();
        while self.take("AND") {
            held &= self.one();
        }
        held
    }

    fn one(&mut self) -> bool {
        if self.take("NOT") {
            return !self.one();
        }
        if self.take("(") {
            let held = self.any();
            self.expect(")");
            return held;
        }
        for (function, wanted) in [("attribute_exists", true), ("attribute_not_exists", false)] {
            if self.take(function) {
                self.expect("(");
                let name = self.name();
                self.expect(")");
                return self.item.contains_key(&name) == wanted;
            }
        }
        for function in ["contains", "begins_with"] {
            if self.take(function) {
                self.expect("(");
                let whole = self.operand();
                self.expect(",");
                let part = self.operand().expect("a value");
                self.expect(")");
                let part = part["S"].as_str().expect("a text").to_owned();
                return match (function, whole) {
                    (_, None) => false,
                    ("contains", Some(set)) => texts(&set).contains(&part),
                    (_, Some(text)) => text["S"].as_str().expect("a text").starts_with(&part),
                };
            }
        }
        self.comparison()
    }

    fn comparison(&mut self) -> bool {
        let left = self.operand();
        let operator = self.next();
        if operator == "IN" {
            self.expect("(");
            let mut held = false;
            loop {
                held |= left.is_some() && left == self.operand();
                if !self.take(",") {
                    self.expect(")");
                    return held;
                }
            }
        }
        let right = self.operand();
        let order = left.as_ref().zip(right.as_ref()).and_then(|(left, right)| compared(left, right));
        match operator.as_str() {
            "=" => order == Some(Ordering::Equal),
            "<>" => order != Some(Ordering::Equal),
            "<" => order == Some(Ordering::Less),
            "<=" => order.is_some_and(Ordering::is_le),
            ">" => order == Some(Ordering::Greater),
            ">=" => order.is_some_and(Ordering::is_ge),
            "BETWEEN" => {
                self.expect("AND");
                let last = self.operand();
                let last = left.as_ref().zip(last.as_ref()).and_then(|(left, last)| compared(left, last));
                order.is_some_and(Ordering::is_ge) && last.is_some_and(Ordering::is_le)
            }
            _ => panic!("{operator} is not known"),
        }
    }
}
