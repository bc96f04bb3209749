// A page may refer to a test, as [`its title`](its file), where … stands for text that the test fills in,
// and a case of the conformance suite, as `CTX-203`, or `CTX-2` for all that begin so.

const TEST = /\[`([^\]]+)`\]\(([^)]+\.test\.[jt]s)\)/g;
const CASE = /`([A-Z]{3}-[A-Z0-9]{0,3})`/g;
const TITLE =
  /\b(?:describe|it)\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

/**
 * @param {string} page in Markdown.
 * @param {{ read: (file: string) => string | undefined, cases: readonly string[] }} there `read` returns the
 * text of a file as the page names it, `undefined` when there is none.
 * @returns {{ count: number, problems: string[] }} the number of references, and the problems.
 */
export function checkReferences(page, { read, cases }) {
  const titles = new Map();
  const titlesOf = (file) => {
    if (!titles.has(file)) titles.set(file, titlesIn(read(file)));
    return titles.get(file);
  };
  const tests = [...page.matchAll(TEST)].map(([, title, file]) => {
    if (titlesOf(file) === undefined) return `there is no ${file}`;
    return titlesOf(file).has(title) ? undefined : `${file} has no test "${title}"`;
  });
  const ids = [...page.matchAll(CASE)].map(([, id]) =>
    cases.some((each) => each.startsWith(id)) ? undefined : `there is no case ${id}`,
  );
  const problems = [...tests, ...ids].filter((problem) => problem !== undefined);
  return { count: tests.length + ids.length, problems: [...problems, ...unshown(page)] };
}

function titlesIn(source) {
  if (source === undefined) return undefined;
  const found = [...source.matchAll(TITLE)].map(([, ...quoted]) =>
    quoted
      .find((each) => each !== undefined)
      .replaceAll(/\$\{[^}]*\}/g, '…')
      .replaceAll(/\\(.)/g, '$1'),
  );
  return new Set(found);
}

/** In a table whose last column is "shown by", every row has to be shown by something. */
function unshown(page) {
  const problems = [];
  let isClaims = false;
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) isClaims = false;
    else if (/\| shown by +\|$/.test(line)) isClaims = true;
    else if (
      isClaims &&
      !/^\|[ |-]+$/.test(line) &&
      line.search(TEST) < 0 &&
      line.search(CASE) < 0
    ) {
      problems.push(`nothing shows: ${line}`);
    }
  }
  return problems;
}
