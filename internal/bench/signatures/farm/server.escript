#!/usr/bin/env escript
main([File]) ->
    {ok, _} = application:ensure_all_started(ssl),
    logger:set_primary_config(level, emergency),
    {ok, Sites} = file:consult(File),
    [open(S) || S <- Sites],
    receive stop -> ok end.

open({Address, Port, Options}) ->
    {ok, IP} = inet:parse_address(Address),
    {ok, L} = ssl:listen(Port, [{ip, IP}, {reuseaddr, true}, {active, false}, {log_level, none} | Options]),
    spawn_link(fun() -> accept(L) end).

accept(L) ->
    {ok, S} = ssl:transport_accept(L),
    Pid = spawn(fun() -> receive go -> talk(S) end end),
    ok = ssl:controlling_process(S, Pid),
    Pid ! go,
    accept(L).

talk(S) ->
    case ssl:handshake(S, 20000) of
        {ok, T} -> drain(T);
        _ -> ok
    end.

drain(T) ->
    case ssl:recv(T, 0, 20000) of
        {ok, _} -> drain(T);
        _ -> ssl:close(T)
    end.
