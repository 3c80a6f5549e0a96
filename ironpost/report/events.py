"""Events of a rollout as lines for people."""

from __future__ import annotations

from typing import Any

from rich.text import Text


def line_of(event: dict[str, Any]) -> Text | None:
    """What an operator wants to read of an event; None for what is only for programs."""
    kind = event["event"]
    if kind == "wave":
        return Text(f"wave {event['wave']}: {', '.join(event['mailhosts'])}", style="bold")
    if kind == "gate":
        return gate_line(event)
    if kind == "end" and "outcome" in event:
        return Text(ENDS[event["outcome"]], style="bold")
    if kind == "line":
        style = "red" if event["level"] == "error" else ""
        return Text(f"  {event['mailhost']}: {event['text']}", style=style)
    told = TOLD.get(kind)
    return Text(f"  {told.format(**({'text': ''} | event))}", style=STYLES.get(kind, "")) if told else None


def gate_line(event: dict[str, Any]) -> Text:
    if event["open"]:
        text = Text("  gate open", style="green")
        text.append(f": {event['held']} claims hold", style="default")
    else:
        text = Text("  gate closed", style="bold red")
        for name, faults in event["faults"].items():
            for fault in faults:
                text.append(f"\n    {name}: {fault}", style="default")
    for note in event["noted"]:
        text.append(f"\n    {note}", style="dim")
    return text


TOLD = {
    "drained": "{mailhost}: takes no new mail; {sessions} sessions and {queued} messages left",
    "not drained": "{mailhost}: stays in service ({text})",
    "back in service": "{mailhost}: back in service",
    "bake": "watching the wave for {seconds:.0f} s",
    "host failed": "{mailhost}: failed: {text}",
    "undone": "{mailhost}: generation {generation} is back in place, because {text}",
    "not undone": "{mailhost}: could not be put back: {text}",
    "skipped": "{mailhost}: {text}",
}
STYLES = {"host failed": "red", "not undone": "bold red", "undone": "yellow"}
ENDS = {
    "done": "done: every host has passed its gate",
    "stopped": "stopped; nothing more is changed. Mend it, then run again (--resume leaves out what is green)",
    "aborted": "aborted; go on with --resume",
}
