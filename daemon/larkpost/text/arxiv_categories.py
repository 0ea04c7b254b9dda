"""The names of arXiv's categories, so that an interest may be called by name or by code."""

from __future__ import annotations

_COMPUTER_SCIENCE = """
AI Artificial Intelligence; AR Hardware Architecture; CC Computational Complexity; CE Computational
Engineering, Finance, and Science; CG Computational Geometry; CL Computation and Language; CR
Cryptography and Security; CV Computer Vision and Pattern Recognition; CY Computers and Society; DB
Databases; DC Distributed, Parallel, and Cluster Computing; DL Digital Libraries; DM Discrete
Mathematics; DS Data Structures and Algorithms; ET Emerging Technologies; FL Formal Languages and
Automata Theory; GR Graphics; GT Computer Science and Game Theory; HC Human-Computer Interaction; IR
Information Retrieval; IT Information Theory; LG Machine Learning; LO Logic in Computer Science; MA
Multiagent Systems; MM Multimedia; MS Mathematical Software; NA Numerical Analysis; NE Neural and
Evolutionary Computing; NI Networking and Internet Architecture; OS Operating Systems; PF
Performance; PL Programming Languages; RO Robotics; SC Symbolic Computation; SD Sound; SE Software
Engineering; SI Social and Information Networks; SY Systems and Control
"""
_OTHERS = {
    "eess": "AS Audio and Speech Processing; IV Image and Video Processing; SP Signal Processing",
    "stat": "AP Applications; CO Computation; ME Methodology; ML Machine Learning",
    "q-bio": "BM Biomolecules; GN Genomics; NC Neurons and Cognition; QM Quantitative Methods",
}


def _names() -> dict[str, tuple[str, ...]]:
    codes: dict[str, tuple[str, ...]] = {}
    for archive, text in {"cs": _COMPUTER_SCIENCE, **_OTHERS}.items():
        for one in text.split(";"):
            code, _, name = " ".join(one.split()).partition(" ")
            name = name.casefold()
            codes[name] = (*codes.get(name, ()), f"{archive}.{code}".casefold())
    return codes


CODES = _names()  # by the name in lower case: the codes, in lower case
