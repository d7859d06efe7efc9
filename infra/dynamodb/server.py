"""The engine: what it needs, and how it is built and started."""

from pathlib import Path

from infra import java

HERE = Path(__file__).parent
TARGET = HERE / "target" / "3.0.0"

JAVA_AT_LEAST, JAVA_BELOW = 17, 99
START_SECONDS = 240


def reason_missing() -> str | None:
    """Why DynamoDB Local cannot run here, as a sentence; None when it can."""
    built = java.is_built(HERE, TARGET)
    return java.reason_missing(at_least=JAVA_AT_LEAST, below=JAVA_BELOW, built=built)


def engine(log: Path, *, port: int) -> java.Server:
    """
    An empty DynamoDB in memory, one for all regions and keys; a context manager.

    Its table names must have three characters or more. Raises `JavaError` with a sentence when it
    cannot be built.
    """
    if reason := reason_missing():
        raise java.JavaError(reason)
    home = java.find_java(at_least=JAVA_AT_LEAST, below=JAVA_BELOW)
    assert home is not None
    java.build(HERE, TARGET, java=home, options={})
    libraries = TARGET / "lib"
    command = [
        str(home / "bin" / "java"),
        "-Xmx256m",
        f"-Dsqlite4java.library.path={libraries}",
        f"-Djava.library.path={libraries}",
        "-cp",
        str(libraries / "*"),
        "software.amazon.dynamodb.services.local.main.ServerRunner",
        "-inMemory",
        "-sharedDb",
        "-disableTelemetry",
        "-port",
        str(port),
    ]
    return java.Server(command, port=port, probe="/", log=log, seconds=START_SECONDS)
