"""What the documents say of the code is what the code is."""

import re

from docs import diagrams


def test_the_diagrams_in_architecture_are_those_of_the_tables():
    text = diagrams.DOCUMENT.read_text()
    assert diagrams.drawn(text) == text, "run `make diagrams`"


def test_every_decision_has_its_sentence():
    for path in sorted((diagrams.ROOT / "docs" / "decisions").glob("*.md")):
        assert re.search(r"\*\*Decision\.\*\* \*[^*]+\*", path.read_text()), f"{path.name} decides nothing"


def test_every_link_in_the_documents_leads_somewhere():
    for path in [*diagrams.ROOT.glob("*.md"), *diagrams.ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} points at {target}"
