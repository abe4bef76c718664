"""An account of the context as lines for people and as an object for programs."""

from ..texts.fields import cut, many
from . import prices
from .run_cost import Account
from .tally import SOURCES, Row


def lines(account: Account) -> list[str]:
    """The account for people: totals, then a line a loop, then a line a task."""
    whole, tasks = account.whole, max(1, account.tasks)
    counted = ", ".join(f"{name} {whole.sources[name]:,}" for name in SOURCES)
    came = f"{whole.entered:,} characters in {whole.turns:,} turns, after {whole.opening:,} to begin with"
    where = f"{many(account.tasks, 'task')} in {many(account.sessions, 'session')}"
    found = [
        f"run: {cut(account.run) or 'the last one'}, {where}",
        f"context: {came}; {whole.reread:,} re-read",
        f"a task: {whole.entered / tasks:,.0f} characters, {whole.turns / tasks:.1f} turns{_tokens_each(account)}",
        f"from: {counted}",
        *_shares(account),
        *_missing(account),
    ]
    found += [f"loop {number}: {_row(row)}" for number, row in account.loops.items()]
    for id_, row in sorted(whole.rows.items(), key=lambda each: not each[0]):
        used = prices.total(account.agents.get(id_, []))
        agent = f"; its agents {used.total:,} tokens" if id_ and used.total else ""
        found.append(f"{id_ or '(no task)'}: {_row(row)}{agent}")
    return found


def in_short(account: Account) -> str:
    """The account as one line of `status`."""
    whole, tasks = account.whole, max(1, account.tasks)
    return (
        f"context: {whole.entered / tasks:,.0f} characters, {whole.turns / tasks:.1f} turns"
        f"{_tokens_each(account)} a task; `claudestrator-helper context` shows more"
    )


def as_object(account: Account) -> dict[str, object]:
    """The account as JSON values; costs are in dollars, and None where a price is unknown."""
    whole = account.whole
    return {
        "run": account.run or None,
        "tasks": account.tasks,
        "sessions": account.sessions,
        "turns": whole.turns,
        "compactions": whole.compactions,
        "characters": {
            "opening": whole.opening,
            "entered": whole.entered,
            "reread": whole.reread,
            "sources": {name: whole.sources[name] for name in SOURCES},
        },
        "tokens": _tokens(account),
        "cost": _cost(account.dollars),
        "loops": [{"loop": number, **_fields(row)} for number, row in account.loops.items()],
        "rows": [
            {"id": id_ or None, **_fields(row), "agents": prices.total(account.agents.get(id_, [])).total}
            for id_, row in whole.rows.items()
        ],
        "missing": {"sessions": account.gone, "agents": account.lost, "lines": account.unreadable},
    }


def _tokens(account: Account) -> dict[str, object]:
    main, agents = prices.total(account.main), prices.total(account.others)
    everything = main.total + agents.total
    share = main.total / everything if everything else None
    return {"entered": account.whole.tokens, "main": _columns(main), "agents": _columns(agents), "share": share}


def _cost(dollars: tuple[float, float] | None) -> dict[str, object]:
    main, agents = dollars or (None, None)
    share = main / (main + agents) if main is not None and agents is not None else None
    return {"prices": prices.PRICES, "main": main, "agents": agents, "share": share}


def _tokens_each(account: Account) -> str:
    tokens = account.whole.tokens
    return f", {tokens / max(1, account.tasks):,.0f} tokens" if tokens else ""


def _shares(account: Account) -> list[str]:
    main, agents = prices.total(account.main), prices.total(account.others)
    if not main.total + agents.total:
        return ["tokens: the transcript has none"]
    most = "at most " if account.lost else ""
    share = f"{most}{main.total / (main.total + agents.total):.1%} of all, the agents' {agents.total:,} included"
    found = [f"tokens: {account.whole.tokens:,} came in; {main.total:,} were processed, {share}"]
    dollars = account.dollars
    if dollars:
        paid = f"{most}{dollars[0] / sum(dollars):.1%} of ${sum(dollars):,.3f} in all"
        found.append(f"cost: {paid} was orchestration, by {prices.PRICES}")
    else:
        unknown = sorted({used.model for used in [*account.main, *account.others] if prices.dollars(used) is None})
        named = ", ".join(_name(model) for model in unknown[:3])
        found.append(f"cost: not known, there is no price here for {named or 'these models'}")
    return found


def _missing(account: Account) -> list[str]:
    missing = {"session": account.gone, "agent": account.lost, "line": account.unreadable}
    named = ", ".join(many(number, name) for name, number in missing.items() if number)
    found = [f"not counted: {named}, without a transcript that can be read"] if named else []
    if account.whole.compactions:
        compacted = many(account.whole.compactions, "compaction")
        found.append(f"{compacted}: what the request for a summary costs is recorded nowhere")
    return found


def _row(row: Row) -> str:
    tokens = f", {row.tokens:,} tokens" if row.tokens else ""
    return f"{row.characters:,} characters, {many(row.turns, 'turn')}{tokens}"


def _fields(row: Row) -> dict[str, int]:
    return {"characters": row.characters, "turns": row.turns, "tokens": row.tokens}


def _columns(used: prices.Usage) -> dict[str, int]:
    """The counts, by the names that the API has for them."""
    return {
        "input": used.input,
        "cache_creation": used.written + used.kept,
        "cache_read": used.read,
        "output": used.output,
    }


def _name(model: str) -> str:
    """A model's name in plain ASCII: the transcript may be anyone's file."""
    kept = "".join(char for char in model if char.isascii() and (char.isalnum() or char in "-._:@"))
    return kept[:60] or "a model without a name"
