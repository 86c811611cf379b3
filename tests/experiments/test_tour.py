"""The notebook runs from top to bottom."""

from pathlib import Path

import pytest

TOUR = Path(__file__).parents[2] / "experiments" / "tour.ipynb"


def test_the_tour_runs():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel", reason="the notebook needs a kernel")
    notebook = nbformat.read(TOUR, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "the notebook is kept without its outputs"
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(TOUR.parent)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    html = [output.data["text/html"] for output in shown if "text/html" in output.get("data", {})]
    assert len(html) == 3
    assert all("<audio controls" in one for one in html)
    assert any("image/png" in output.get("data", {}) for output in shown)
    texts = "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in shown)
    assert "always resting: 64.0 of 120" in texts
    assert "'right_free_running': 120" in texts
