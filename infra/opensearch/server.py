"""The node: which editions there are, what each needs, and how one is built and started."""

import os
from dataclasses import dataclass
from pathlib import Path

from infra import java

HERE = Path(__file__).parent

KNN_PLUGIN = "org.opensearch.knn.plugin.KNNPlugin"

START_SECONDS = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """A version of OpenSearch, the Java it runs on (`java_below` excluded), and whether it has k-NN."""

    version: str
    java_at_least: int
    java_below: int
    knn: bool

    @property
    def target(self) -> Path:
        return HERE / "target" / self.version

    def reason_missing(self) -> str | None:
        """Why this edition cannot run here, as a sentence; None when it can."""
        return java.reason_missing(
            at_least=self.java_at_least, below=self.java_below, built=java.is_built(HERE, self.target)
        )


WITH_KNN = Edition(version="2.19.1", java_at_least=17, java_below=24, knn=True)
"""2.x leans on the security manager, which Java 24 has removed."""

NEWEST = Edition(version="3.8.0", java_at_least=21, java_below=99, knn=False)
"""Maven Central has no k-NN archive for it; words only."""

EDITIONS = {"2": WITH_KNN, "3": NEWEST}


def reason_missing(edition: Edition = WITH_KNN) -> str | None:
    """Why OpenSearch cannot run here, as a sentence; None when it can."""
    return edition.reason_missing()


def node(data: Path, *, port: int, edition: Edition = WITH_KNN, memory: str = "1g") -> java.Server:
    """
    A node that keeps its data in that folder; not started yet: use it as a context manager.

    Builds it first if need be (about ten seconds, and 100 MB to download the first time). Raises
    `JavaError` with a sentence when that is impossible.
    """
    if reason := edition.reason_missing():
        raise java.JavaError(reason)
    home = java.find_java(at_least=edition.java_at_least, below=edition.java_below)
    assert home is not None
    options = {"edition": edition.version, "java": str(edition.java_at_least)}
    java.build(HERE, edition.target, java=home, options={**options, "knn": str(edition.knn).lower()})
    target = edition.target
    classes = [str(target / "classes"), str(target / "lib" / "*")]
    plugins = []
    if edition.knn:
        classes.append(str(target / "knn" / "*"))
        plugins.append(KNN_PLUGIN)
    command = [
        str(home / "bin" / "java"),
        "-Xms512m",
        f"-Xmx{memory}",
        "-XX:+UseSerialGC",
        "-Dopensearch.set.netty.runtime.available.processors=false",
        "-Dlog4j2.disable.jmx=true",
        "-cp",
        os.pathsep.join(classes),
        "Node",
        str(port),
        str(data),
        *plugins,
    ]
    return java.Server(
        command,
        port=port,
        probe="/_cluster/health?wait_for_status=yellow&timeout=1s",
        log=data / "node.log",
        seconds=START_SECONDS,
    )
