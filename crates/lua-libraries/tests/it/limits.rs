//! What a script cannot do: take more memory, time or stack than it may.

use crate::support::{self, BUDGET, check, machine, machine_with, run, run_on};
use lua::{Call, Host, Machine, NoHost, Outcome, Result, Step, Value};

/// A script on a machine with little memory.
#[track_caller]
fn check_small(source: &str, expected: &str) {
    let mut machine = machine_with(4 << 20);
    assert_eq!(run_on(&mut machine, &mut NoHost, source), expected, "{source}");
    // Whatever it left is garbage.
    machine.abandon();
    machine.collect();
    assert!(machine.used_bytes() < 1 << 20, "{} bytes stay after {source}", machine.used_bytes());
}

#[test]
fn memory_is_refused_before_it_is_taken() {
    for source in [
        "return ('x'):rep(1e9)",
        "return ('x'):rep(2147483647)",
        "return (('x'):rep(1e6)):rep(1e6)",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local t = {} for i = 1, 1e9 do t['k' .. i] = i end",
        "local t = {} for i = 1, 1e9 do t[i] = {} end",
        "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
        "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
        "return (('x'):rep(1e6)):gsub('x', ('y'):rep(1e6))",
        "return table.concat({('x'):rep(1e6), ('x'):rep(1e6), ('x'):rep(1e6)}, ('y'):rep(1e6))",
        "return string.format('%s%s%s%s', ('x'):rep(1e6), ('x'):rep(1e6), ('x'):rep(1e6), ('x'):rep(1e6))",
        "local t = {} for i = 1, 30 do t = {t, t} end return cjson.encode(t)",
        "local t = {} for i = 1, 9 do t = {t, t, t, t, t, t, t, t} end return cmsgpack.pack(t)",
        "return loadstring(('x = {1,2,3} '):rep(2e5))",
        "return struct.pack(('c0'):rep(10), unpack({('x'):rep(1e6), ('x'):rep(1e6), ('x'):rep(1e6), 4, 5, 6, 7, 8, 9, 10}))",
    ] {
        let mut machine = machine_with(4 << 20);
        let result = run_on(&mut machine, &mut NoHost, source);
        assert!(result.contains("not enough memory"), "{source}: {result}");
        machine.abandon();
        machine.collect();
        assert!(machine.used_bytes() < 1 << 20, "{} bytes stay after {source}", machine.used_bytes());
        // The machine still works.
        assert_eq!(run_on(&mut machine, &mut NoHost, "return 1 + 1"), "2");
    }
    check_small("return (pcall(function() return ('x'):rep(1e9) end))", "false");
    check_small("local ok, e = pcall(string.rep, 'x', 1e9) return e", "not enough memory");
}

#[test]
fn garbage_is_collected_before_memory_is_refused() {
    check_small("local n = 0 for i = 1, 1e5 do local t = {i, {i}} n = n + #t end return n", "200000");
    check_small("local s for i = 1, 1000 do s = ('x'):rep(1e6) .. i end return #s", "1000004");
    check_small(
        "local n = 0 for i = 1, 2e4 do n = n + coroutine.wrap(function() return i % 2 end)() end return n",
        "10000",
    );
    check_small(
        "for i = 1, 1e5 do local s = 'a long string that is not interned, as it has many bytes' .. i end return 1",
        "1",
    );
    check_small("for i = 1, 2e4 do loadstring('return ' .. i) end return 1", "1");
}

#[test]
fn bytes_are_counted_exactly() {
    let mut machine = machine();
    machine.collect();
    let before = machine.used_bytes();
    let source = "local t = {} for i = 1, 1000 do t[i] = {('x'):rep(i)} end return #t";
    assert_eq!(run_on(&mut machine, &mut NoHost, source), "1000");
    assert!(machine.used_bytes() > before + 500_000);
    machine.abandon();
    machine.collect();
    machine.collect();
    let after = machine.used_bytes();
    // The stack and the buckets of names stay.
    assert!(after < before + 100_000, "{before} before, {after} after");
}

#[test]
fn every_loop_comes_back() {
    for source in [
        "while true do end",
        "repeat until false",
        "for i = 1, math.huge do end",
        "local function f() return f() end return f()",
        "local function f() pcall(f) f() end f()",
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do pcall(function() return t[1] end) end",
        "return string.find(('a'):rep(40), ('a?'):rep(40) .. ('a'):rep(40) .. 'b')",
        "return string.match(('a'):rep(1000), ('a-'):rep(30) .. 'b')",
        "return string.gsub(('a'):rep(300), ('.-'):rep(20) .. 'b', '')",
        "for w in string.gmatch(('a'):rep(300), ('.-'):rep(20) .. 'b') do end",
        "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.insert(t, 1, 0) end",
        "table.insert({}, -2147483648, 1)",
        "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end",
        "while true do coroutine.wrap(function() coroutine.yield() end)() end",
        "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
        "local t = {} for i = 1, 60 do t = {t, t} end return cjson.encode(t)",
        "while true do load(function() return nil end) end",
        "for _ in function() return 1 end do end",
        "table.foreach(setmetatable({1}, {}), function() while true do end end)",
    ] {
        let mut machine = machine_with(64 << 20);
        support::begin(&mut machine, source).expect("it compiles");
        let mut pauses = 0;
        while pauses < 20 {
            match machine.run(&mut NoHost, 50_000) {
                Step::Paused => pauses += 1,
                Step::Failed(value) => {
                    let text = support::text(&machine, value);
                    assert!(text.contains("not enough memory"), "{source}: {text}");
                    break;
                }
                step => panic!("{source}: {step:?}"),
            }
        }
        machine.kill();
        assert!(matches!(machine.run(&mut NoHost, BUDGET), Step::Failed(_)), "{source}");
        assert_eq!(run_on(&mut machine, &mut NoHost, "return 'alive'"), "alive");
    }
}

#[test]
fn no_pcall_holds_up_a_kill() {
    let mut machine = machine();
    let source = "while true do pcall(function() while true do end end) end";
    support::begin(&mut machine, source).expect("it compiles");
    assert!(matches!(machine.run(&mut NoHost, 10_000), Step::Paused));
    machine.kill();
    assert!(matches!(machine.run(&mut NoHost, 10_000), Step::Failed(_)));
}

#[test]
fn slices_do_not_change_results() {
    let source = "local t = {} for i = 1, 300 do t[i] = (i * 7919) % 1009 end
        table.sort(t, function(a, b) return a < b end)
        local s = ('abc '):rep(50):gsub('%a+', function(w) return w:upper() end)
        local co = coroutine.wrap(function() for i = 1, 50 do coroutine.yield(i) end end)
        local n = 0 for i = 1, 50 do n = n + co() end
        local ok, e = pcall(function() local x = nil return x.y end)
        return t[1], t[300], #s, n, e, cjson.encode(t):len()";
    let expected = run(source);
    for budget in [1, 2, 3, 7, 50] {
        let mut machine = machine();
        support::begin(&mut machine, source).expect("it compiles");
        let step = loop {
            match machine.run(&mut NoHost, budget) {
                Step::Paused => {}
                step => break step,
            }
        };
        assert_eq!(support::show(&machine, &step), expected, "budget {budget}");
    }
}

#[test]
fn nesting_never_reaches_the_rust_stack() {
    check(
        "local function r() return 1 + r() end local ok, e = pcall(r) return e",
        "user_script:1: stack overflow",
    );
    check("local function r() return pcall(r) end return (r())", "true");
    check(
        "local t = {} for i = 1, 1e5 do t = setmetatable({}, {__index = t}) end return pcall(function() return t.x end)",
        "false|user_script:1: loop in gettable",
    );
    check(
        "local t = setmetatable({}, {__add = function(a, b) return a + b end}) local ok, e = pcall(function() return t + t end) return e",
        "user_script:1: C stack overflow",
    );
    check(
        "local function f() return coroutine.wrap(f)() end local ok, e = pcall(f) return (e:gsub('user_script:1: ', ''))",
        "C stack overflow",
    );
    check(
        "local f, e = loadstring('return ' .. ('('):rep(1e5) .. '1' .. (')'):rep(1e5)) return (e:gsub('.*:1: ', ''))",
        "chunk has too many syntax levels",
    );
    check(
        "local p = pcall for i = 1, 1e4 do local q = p p = function(...) return q(...) end end return p(error, 'x')",
        "false|x",
    );
    check(
        "return pcall(string.rep, 'x', -1), pcall(pcall, pcall, pcall, pcall, error)",
        "true|true|true|true|true|false|nil",
    );
    check(
        "local s = string.rep('pcall,', 190) return loadstring('return pcall(' .. s .. 'error)') ~= nil",
        "true",
    );
}

#[test]
fn a_machine_can_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Machine>();
}

/// Suspends at function 0; the others answer at once.
struct Waiting;

impl Host for Waiting {
    fn call(&mut self, function: u32, call: &mut Call<'_>) -> Result<Outcome> {
        match function {
            0 => Ok(Outcome::Suspend),
            1 => {
                let number = call.number(0)?;
                call.push(Value::Number(number * 2.0));
                Ok(Outcome::Return(1))
            }
            _ => {
                let table = call.machine().table(0, 1)?;
                let text = call.string(b"ERR from the host")?;
                call.machine().set_field(table, "err", text)?;
                Err(lua::Thrown::Value(Value::Table(table)))
            }
        }
    }
}

fn with_host(source: &str) -> Machine {
    let mut machine = machine();
    let globals = machine.globals();
    for (number, name) in ["wait", "double", "fail"].into_iter().enumerate() {
        let function = machine.host_function(number as u32).expect("there is room");
        machine.set_field(globals, name, function).expect("there is room");
    }
    support::begin(&mut machine, source).expect("it compiles");
    machine
}

#[test]
fn a_host_function_can_answer_later() {
    for source in [
        "return wait(1) + 1",
        "local t = {3, 1, 2} table.sort(t, function(a, b) wait() return a < b end) return t[1] + wait()",
        "return (('x'):gsub('x', function() return wait() end)) + 1",
        "return select(2, pcall(wait)) + 1",
        "return setmetatable({}, {__index = function() return wait() end}).x + 1",
        "return coroutine.wrap(function() return wait() end)() + 1",
        "for i in wait, 1, 1 do return i + 1 end",
    ] {
        let mut machine = with_host(source);
        let mut step = machine.run(&mut Waiting, BUDGET);
        let mut answers = 0;
        while let Step::Suspended = step {
            answers += 1;
            assert!(answers < 100, "{source}");
            step = machine.answer(&mut Waiting, Ok(&[Value::Number(41.0)]), BUDGET);
        }
        let shown = support::show(&machine, &step);
        assert_eq!(shown, "42", "{source}");
        assert!(answers > 0, "{source}");
    }
}

#[test]
fn a_late_answer_can_be_an_error() {
    let mut machine = with_host("local ok, e = pcall(wait) return ok, e");
    assert!(matches!(machine.run(&mut Waiting, BUDGET), Step::Suspended));
    let error = machine.string(b"late").expect("there is room");
    let step = machine.answer(&mut Waiting, Err(error), BUDGET);
    assert_eq!(support::show(&machine, &step), "false|late");
}

#[test]
fn a_host_function_raises_any_value() {
    let mut machine = with_host("local ok, e = pcall(fail) return ok, e.err, double(21)");
    let step = machine.run(&mut Waiting, BUDGET);
    assert_eq!(support::show(&machine, &step), "false|ERR from the host|42");
    let mut machine = with_host("\n\nlocal x = 1\nfail()");
    assert!(matches!(machine.run(&mut Waiting, BUDGET), Step::Failed(Value::Table(_))));
    let site = machine.error_site().expect("it failed");
    assert_eq!((site.source.as_slice(), site.line), (b"@user_script".as_slice(), Some(4)));
}

#[test]
fn a_held_value_survives_the_collector() {
    let mut machine = machine();
    let table = machine.table(1, 0).expect("there is room");
    let held = machine.hold(Value::Table(table));
    let text = machine.string(&[b'x'; 100]).expect("there is room");
    machine.set(table, Value::Number(1.0), text).expect("there is room");
    machine.collect();
    machine.collect();
    let Value::Table(table) = machine.held(held) else { panic!("it is a table") };
    let found = machine.get(table, Value::Number(1.0));
    assert_eq!(support::text(&machine, found).len(), 100);
    machine.release(held);
}
