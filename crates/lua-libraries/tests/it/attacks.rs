//! What broke the Lua of Redis, and does nothing here.

use crate::support::{check, run};

/// CVE-2024-31449: a stack overflow of `bit.tohex` with the lowest integer.
#[test]
fn tohex_of_the_lowest_width() {
    check("return bit.tohex(65535, -2147483648)", "0000FFFF");
    check("return bit.tohex(0, -2147483648), bit.tohex(0, 2147483647)", "00000000|00000000");
}

/// CVE-2024-46981: use after free in the collector, by objects that outlive their state.
#[test]
fn the_collector_runs_among_all_that_lives() {
    check(
        "local t = {} for i = 1, 2000 do
            local co = coroutine.wrap(function(...) local a = {...} while true do coroutine.yield(function() return a[1] end) end end)
            t[i % 7 + 1] = {co, co(('x'):rep(i % 100)), setmetatable({}, {__mode = 'kv', __index = t})}
            if i % 100 == 0 then collectgarbage() collectgarbage('step', 1) end
        end return #t, t[1][2]():len()",
        "7|95",
    );
}

/// CVE-2025-49844: a chunk's name that is freed while the parser runs.
#[test]
fn the_parser_holds_its_chunk_name() {
    check(
        "for i = 1, 300 do
            local f, e = loadstring('return ' .. ('x'):rep(i) .. ' = ', ('n'):rep(i * 10))
            assert(not f and #e > 0)
            if i % 10 == 0 then collectgarbage() end
        end return 'fine'",
        "fine",
    );
    check(
        "return #select(2, load(function() collectgarbage() return nil end ~= nil and function() collectgarbage() error('x') end, ('n'):rep(100))) > 0",
        "true",
    );
}

/// CVE-2025-46817: `unpack` with a range whose length overflows.
#[test]
fn unpack_with_a_range_that_overflows() {
    for range in
        ["-2147483648, 2147483647", "0, 2147483647", "-2, 2147483646", "2147483647, -2147483648", "1, 1e10"]
    {
        let result = run(&format!("return select('#', pcall(unpack, {{}}, {range}))"));
        assert!(result == "1" || result == "2", "{range}: {result}");
    }
    check("return pcall(unpack, {}, 0, 2147483647)", "false|too many results to unpack");
    check("return unpack({}, 2147483647, 2147483647)", "nil");
}

/// CVE-2025-46818: the metatables of basic types, by which a script reaches other users.
#[test]
fn metatables_of_basic_types_can_be_closed() {
    use crate::support::{machine, run_on};
    use lua::NoHost;
    let mut machine = machine();
    let meta = machine.string_metatable().expect("strings have one");
    machine.set_readonly(meta, true);
    let script = "return pcall(function() getmetatable('').__index = function() return 'stolen' end end)";
    let refused = "false|user_script:1: Attempt to modify a readonly table";
    assert_eq!(run_on(&mut machine, &mut NoHost, script), refused);
    assert_eq!(
        run_on(&mut machine, &mut NoHost, "return ('x'):len(), getmetatable(1), getmetatable(nil)"),
        "1|nil|nil"
    );
}

/// CVE-2025-46819: a long string or comment whose delimiter has too many levels.
#[test]
fn long_brackets_of_many_levels() {
    check(
        "local n = 1e5 local d = ('='):rep(n) return #loadstring('return [' .. d .. '[abc]' .. d .. ']')()",
        "3",
    );
    check(
        "return loadstring('--[' .. ('='):rep(1e5) .. '[ never closed')",
        "nil|[string \"--[========================================...\"]:1: unfinished long comment near '<eof>'",
    );
    check(
        "return (select(2, loadstring('return [' .. ('='):rep(10))))",
        "[string \"return [==========\"]:1: invalid long string delimiter near '[=========='",
    );
}

/// CVE-2022-24834: an overflow in `cjson.encode` and `cmsgpack.pack` with very long strings.
#[test]
fn long_strings_are_encoded_within_memory() {
    check("local s = ('\\0'):rep(1e7) return #cjson.encode(s), #cmsgpack.pack(s)", "60000002|10000005");
    let result = run("return #cjson.encode(('\\0'):rep(6e7))");
    assert!(result.contains("not enough memory"), "{result}");
}

/// CVE-2020-14147: an integer overflow in the sizes of `struct`.
#[test]
fn sizes_of_struct_do_not_overflow() {
    check("return pcall(struct.pack, 'I2147483648', '10')", "false|integral size overflow");
    check(
        "return pcall(struct.unpack, 'c2147483647', 'x')",
        "false|bad argument #2 to '?' (data string too short)",
    );
    check("return pcall(struct.unpack, 'c0c0', 'x')", "false|format 'c0' needs a previous size");
    check(
        "return pcall(struct.unpack, 'lc0', ('\\255'):rep(8) .. 'x')",
        "false|bad argument #2 to '?' (data string too short)",
    );
    check(
        "return pcall(struct.unpack, 'i', 'abcd', 9e18)",
        "false|bad argument #2 to '?' (data string too short)",
    );
}

/// CVE-2018-11218: memory corruption in `cmsgpack.pack` and `unpack` with many values.
#[test]
fn cmsgpack_bounds_its_values() {
    check(
        "local t = {} for i = 1, 7000 do t[i] = i end return select('#', cmsgpack.unpack(cmsgpack.pack(unpack(t))))",
        "7000",
    );
    let result = run("return select('#', cmsgpack.unpack(('\\1'):rep(1e6)))");
    assert!(result.contains("stack overflow"), "{result}");
    let result = run("return cmsgpack.unpack(('\\145'):rep(1e6) .. '\\1')");
    assert!(result.contains("stack overflow"), "{result}");
    check("return pcall(cmsgpack.unpack, '\\221\\255\\255\\255\\255')", "false|Missing bytes in input.");
    check("return pcall(cmsgpack.unpack, '\\219\\255\\255\\255\\255')", "false|Missing bytes in input.");
}

/// CVE-2018-11219: an integer overflow in `struct.unpack`'s offsets.
#[test]
fn offsets_of_struct_do_not_overflow() {
    for offset in ["0", "-1", "-2147483648", "-9e18"] {
        let result = run(&format!("return pcall(struct.unpack, 'i', 'abcd', {offset})"));
        assert_eq!(result, "false|bad argument #3 to '?' (offset must be 1 or greater)", "{offset}");
    }
    check(
        "return pcall(struct.unpack, 's', 'abc', 2147483647)",
        "false|bad argument #2 to '?' (data string too short)",
    );
}

/// CVE-2021-32626: the Lua stack overflows, as natives push without asking for room.
#[test]
fn natives_ask_for_room() {
    check("return select('#', string.byte(('x'):rep(7999), 1, -1))", "7999");
    check("return pcall(string.byte, ('x'):rep(8000), 1, -1)", "false|string slice too long");
    check("return #cjson.encode(cjson.decode(('['):rep(1000) .. (']'):rep(1000)))", "2000");
    check("return select('#', struct.unpack(('b'):rep(7000), ('x'):rep(7000)))", "7001");
    check("return #{string.match(('a'):rep(32), ('(a)'):rep(32))}", "32");
    check(
        "local function f(...) return select('#', ...) end local t = {} for i = 1, 7000 do t[i] = i end return f(unpack(t)) + f(0, unpack(t))",
        "14001",
    );
}

/// Precompiled code is neither read nor written.
#[test]
fn there_is_no_bytecode() {
    check(
        "return loadstring('\\27Lua\\81\\0\\1\\4\\8\\4\\8\\0')",
        "nil|Lua: bad code in precompiled chunk".replace("Lua", "[string \"\u{1b}LuaQ\"]").as_str(),
    );
    check("return pcall(string.dump, function() end)", "false|unable to dump given function");
    check(
        "return load(coroutine.wrap(function() coroutine.yield('\\27') end))",
        "nil|(load): bad code in precompiled chunk",
    );
}
