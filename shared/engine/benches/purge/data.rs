//! Events like those of a Segment source: some 1 KB each, users in bursts, identifiers also in places that no rule
//! names. Always the same for the same size.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Users who own a known share of all lines: one line in this many.
pub const HOT: [(&str, u64); 4] = [("0.001 %", 100_000), ("0.1 %", 1_000), ("1 %", 100), ("10 %", 10)];
const USERS: u64 = 200_000;
const PAGES: [&str; 8] = [
    "/",
    "/pricing",
    "/docs/getting-started",
    "/blog/why-we-moved",
    "/cart",
    "/checkout",
    "/search",
    "/help",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
];

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

fn mix(user: u64, salt: u64) -> u64 {
    Random(user.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ salt).next()
}

/// 24 hex digits, like MongoDB's ids.
pub fn user_id(user: u64) -> String {
    format!("{:016x}{:08x}", mix(user, 1), mix(user, 2) as u32)
}

/// This many identifiers that no event has, and one of a hot user if requested.
pub fn ids(count: u64, hot: Option<usize>) -> Vec<String> {
    let mut ids: Vec<String> = (0..count).map(|n| user_id(10_000_000 + n)).collect();
    if let Some(hot) = hot {
        ids[0] = user_id(USERS + hot as u64);
    }
    ids
}

fn who(random: &mut Random, recent: &mut [u64; 500], line: u64) -> u64 {
    for (hot, (_, every)) in HOT.iter().enumerate() {
        if line % every == every / 2 {
            return USERS + hot as u64;
        }
    }
    let at = random.below(500) as usize;
    if random.below(100) < 6 || recent[at] == 0 {
        recent[at] = random.below(USERS);
    }
    recent[at]
}

/// Lines of about this many bytes in total.
pub fn lines(bytes: usize) -> String {
    let (mut random, mut recent) = (Random(7), [0; 500]);
    let mut out = String::with_capacity(bytes + 4096);
    for line in 0.. {
        if out.len() >= bytes {
            break;
        }
        let user = who(&mut random, &mut recent, line);
        event(&mut out, user, line, &mut random).expect("a string takes all");
    }
    out
}

fn event(out: &mut String, user: u64, line: u64, random: &mut Random) -> std::fmt::Result {
    let page = PAGES[random.below(8) as usize];
    let time = 1_717_200_000_000 + line * 700 + random.below(700);
    let a = mix(user, 3);
    write!(
        out,
        r#"{{"anonymousId":"{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}","channel":"client","context":{{"ip":"{}.{}.{}.{}","library":{{"name":"analytics.js","version":"next-1.{}.0"}},"locale":"en-US","page":{{"path":"{page}","referrer":"https://www.google.com/","search":"?utm_campaign=c{}","title":"Acme {}","url":"https://acme.example.com{page}"}},"#,
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        a >> 52,
        mix(user, 4) >> 16,
        a & 255,
        a >> 8 & 255,
        a >> 16 & 255,
        a >> 24 & 255,
        60 + a % 12,
        random.below(400),
        random.below(50),
    )?;
    if random.below(3) == 0 {
        write!(
            out,
            r#""traits":{{"email":"{:x}@example.com","plan":"{}","createdAt":"2023-{:02}-{:02}"}},"#,
            mix(user, 5),
            ["free", "pro", "team"][(a % 3) as usize],
            1 + a % 12,
            1 + a % 28,
        )?;
    }
    write!(
        out,
        r#""timezone":"Europe/Berlin","userAgent":"{}"}},"event":"{}","integrations":{{"All":true,"Salesforce":false}},"messageId":"ajs-next-{time}-{:016x}","originalTimestamp":"{}","projectId":"8vNk2sQpXr","properties":{{"product_id":"sku-{}","price":{}.{:02},"quantity":{},"currency":"USD","category":"cat-{}""#,
        AGENTS[(a % 4) as usize],
        ["Product Viewed", "Product Added", "Order Completed", "Signed Up"][random.below(4) as usize],
        random.next(),
        time,
        random.below(5000),
        random.below(500),
        random.below(100),
        1 + random.below(5),
        random.below(40),
    )?;
    // Identifiers in places that no rule names, and escapes that hide nothing.
    match random.below(200) {
        0 => write!(out, r#","referredBy":"{}""#, user_id(random.below(USERS)))?,
        1 => write!(out, r#","assignee":{{"userId":"{}"}}"#, user_id(random.below(USERS)))?,
        2..=5 => write!(out, r#","note":"said \"hello\" \/ caf\u00e9 \u003cb\u003e""#)?,
        _ => {}
    }
    write!(
        out,
        r#"}},"receivedAt":"{}","sentAt":"{}","timestamp":"{time}","type":"track","userId":"#,
        time + 900,
        time + 90
    )?;
    match user >= USERS || mix(user, 9) % 10 < 7 {
        true => write!(out, r#""{}""#, user_id(user))?,
        false => write!(out, "null")?,
    }
    writeln!(out, r#","version":2,"writeKey":"QvT7pG5zXa1bLkM3"}}"#)
}

pub fn gzip(plain: &[u8], level: u32) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    out.write_all(plain).expect("memory");
    out.finish().expect("memory")
}

/// Ten row groups of events; either the first one or all have hits.
pub fn parquet(rows_per_group: usize, all_hit: bool) -> Vec<u8> {
    let schema = "message event { required binary userId (UTF8); required binary messageId (UTF8);
        required binary event (UTF8); required binary context (UTF8); required binary properties (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).expect("memory");
    let mut random = Random(11);
    for group in 0..10 {
        let mut writer = file.next_row_group().expect("memory");
        for column in 0..5 {
            let value = |row: usize, random: &mut Random| match column {
                0 if row == 0 && (all_hit || group == 0) => user_id(USERS),
                0 => user_id(random.below(5000)),
                1 => format!("ajs-next-{:016x}{:016x}", random.next(), random.next()),
                2 => ["Product Viewed", "Product Added", "Order Completed"][random.below(3) as usize]
                    .to_owned(),
                3 => format!(
                    "{{\"ip\":\"{}\",\"agent\":\"{}\"}}",
                    random.next(),
                    AGENTS[random.below(4) as usize]
                ),
                _ => format!(
                    "{{\"price\":{},\"sku\":\"sku-{}\",\"note\":\"{:x}\"}}",
                    random.below(99_999),
                    random.below(5000),
                    random.next()
                ),
            };
            let values: Vec<ByteArray> = (0..rows_per_group)
                .map(|row| ByteArray::from(value(row, &mut random).into_bytes()))
                .collect();
            let mut column = writer.next_column().expect("memory").expect("a column");
            column.typed::<ByteArrayType>().write_batch(&values, None, None).expect("memory");
            column.close().expect("memory");
        }
        writer.close().expect("memory");
    }
    file.into_inner().expect("memory")
}
