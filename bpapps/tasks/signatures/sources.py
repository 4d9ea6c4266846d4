"""Published sets of signatures: where each is, and how its pictures lie and are called."""

from __future__ import annotations

from bpapps.data.registry import Source
from bpapps.kinds.verification.data import read_named

SOURCES: dict[str, Source] = {
    # the layouts are those of the archives and of the copies that go round (Kaggle's
    # ishanikathuria/handwritten-signature-datasets and nth2165/bhsig260-hindi-bengali)
    "cedar": Source(
        title="CEDAR signatures",
        source="https://cedar.buffalo.edu/NIJ/data/signatures.rar",
        licence="not stated; for research",
        reader=read_named,
        stems="(?P<kind>original|forgeries)_(?P<writer>[0-9]+)_[0-9]+",
        layouts=(
            ("full_org/original_*", "full_forg/forgeries_*"),
            ("signatures/full_org/original_*", "signatures/full_forg/forgeries_*"),
            ("[0-9]*/original_*", "[0-9]*/forgeries_*"),
            ("CEDAR/[0-9]*/original_*", "CEDAR/[0-9]*/forgeries_*"),
            ("CEDAR/CEDAR/[0-9]*/original_*", "CEDAR/CEDAR/[0-9]*/forgeries_*"),
        ),
    ),
    "gpds": Source(  # GPDS-960 and GPDSsyntheticSignature have the same names
        title="GPDS signatures",
        source="http://gpds.ulpgc.es/downloadnew/download.htm (by a signed licence)",
        licence="by signed agreement, for research",
        reader=read_named,
        stems="(?P<kind>c|cf)-(?P<writer>[0-9]+)-[0-9]+",
        layouts=tuple(
            (f"{folder}[0-9]*/c-*", f"{folder}[0-9]*/cf-*")
            for folder in ("", "firmasSINTESISmanuscritas/", "*/firmasSINTESISmanuscritas/")
        ),
    ),
    "mcyt75": Source(  # its forgeries are called 0003_0002f00, forger and writer, or 0002f00
        title="MCYT-75 signatures",
        source="http://atvs.ii.uam.es (by a signed licence)",
        licence="by signed agreement, for research",
        reader=read_named,
        stems="(?:[0-9]{4}_)?(?P<writer>[0-9]{4})(?P<kind>[vf])[0-9]+",
        layouts=tuple(
            (f"{folder}[0-9]*/*[0-9][vV][0-9]*", f"{folder}[0-9]*/*[0-9][fF][0-9]*")
            for folder in ("", "2004_MCYTDB_OffLineSignSubCorpus/", "MCYTDB/")
        ),
    ),
    **{
        f"bhsig-{script.lower()}": Source(
            title=f"BHSig260 signatures, {script}",
            source="Pal, Alaei, Pal and Blumenstein, DAS 2016 (of the authors)",
            licence="not stated; for research",
            reader=read_named,
            stems=f"{script[0]}-S-(?P<writer>[0-9]+)-(?P<kind>[GF])-[0-9]+",
            layouts=tuple(
                (f"{folder}/{script[0]}-S-*-G-*", f"{folder}/{script[0]}-S-*-F-*")
                for folder in (
                    f"{script}/[0-9]*",
                    f"BHSig260/{script}/[0-9]*",
                    "[0-9]*",
                    f"BHSig260-{script}/[0-9]*",
                    f"BHSig260-{script}/BHSig260-{script}/[0-9]*",
                    f"BHSig{count}_{script}",
                    f"BHSig{count}_{script}/*",
                )
            ),
        )
        for script, count in (("Bengali", 100), ("Hindi", 160))
    },
}
