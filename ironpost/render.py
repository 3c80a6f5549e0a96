"""Template + mail host → text. Templates lie at the path that their result has on the host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from ironpost.errors import TemplateError
from ironpost.mailhost import MailHost


def data_dir(name: str) -> Path:
    """`templates` or `deploys`: inside an installed package, or in the checkout that this file lies in."""
    packaged = Path(__file__).parent / "_data" / name
    if packaged.is_dir():
        return packaged
    for parent in Path(__file__).parents:
        if (parent / "pyproject.toml").is_file() and (parent / name).is_dir():
            return parent / name
    raise TemplateError(f"{name}: this folder is neither in the package nor in a checkout; install ironpost again")


@cache
def environment(release: str) -> jinja2.Environment:
    """A file under templates/<release>/ replaces the one of the same path under templates/common/."""
    root = data_dir("templates")
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([root / release, root / "common"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,  # a run reads each template once, however many hosts it has
        autoescape=False,  # noqa: S701 - configuration files, not HTML
    )


def render(path: str, mailhost: MailHost) -> str:
    """The text of the file at absolute `path` on this host. Raises TemplateError with template and line."""
    name = path.lstrip("/") + ".j2"
    try:
        return environment(mailhost.release).get_template(name).render(mailhost=mailhost)
    except jinja2.TemplateNotFound:
        raise TemplateError(
            f"{name}: there is no such template for {mailhost.release}; add it under templates/"
        ) from None
    except jinja2.TemplateError as error:
        line = f" line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise TemplateError(f"{name}{line}: {error.message}; correct the template") from None
