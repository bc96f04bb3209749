// Started by the benchmark import-core, for how long it takes.
import '@keywrap/core';
