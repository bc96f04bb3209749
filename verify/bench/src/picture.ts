import type { Benchmark, Result } from './benchmark.js';
import { figure, formatTarget, type Outcome } from './table.js';

const WIDTH = 860;
const LABELS = 210;
const BARS = 440;
const ROW = 30;
const TOP = 56;
/** The position of the target on every bar: bars to its left meet it. */
const TARGET = 0.6;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .muted { fill: #59636e; font-size: 12px; }
    .title { font-size: 15px; font-weight: 600; }
    .kept { fill: #2da44e; } .missed { fill: #cf222e; } .track { fill: #eaeef2; }
    .target { stroke: #1f2328; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; } .muted { fill: #9198a1; } .track { fill: #30363d; } .target { stroke: #f0f6fc; }
    }`;

/**
 * Draws the outcomes as SVG. Each bar is the used part of its target, so that bars of different
 * units are aligned.
 */
export function drawPicture(outcomes: readonly Outcome[]): string {
  const height = TOP + outcomes.length * ROW + 12;
  const x = LABELS + BARS * TARGET;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
  <title id="title">keywrap benchmarks: how much of each target is used</title>
  <style>${STYLE}
  </style>
  <text class="title" x="12" y="22">How much of each target is used</text>
  <text class="muted" x="${x}" y="44" text-anchor="middle">target</text>
${outcomes.map(drawRow).join('\n')}
  <line class="target" x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${height - 12}"/>
</svg>
`;
}

function drawRow({ benchmark, result }: Outcome, index: number): string {
  const y = TOP + index * ROW;
  const label = `  <text x="12" y="${y + 15}">${benchmark.name}</text>
  <rect class="track" x="${LABELS}" y="${y + 2}" width="${BARS}" height="18" rx="3"/>`;
  if (result instanceof Error) return label;
  const length = Math.min(1, Math.max(0.004, usedPart(benchmark, result) * TARGET)) * BARS;
  return `${label}
  <rect class="${result.ok ? 'kept' : 'missed'}" x="${LABELS}" y="${y + 2}" width="${length.toFixed(1)}" height="18" rx="3"/>
  <text class="muted" x="${LABELS + BARS + 12}" y="${y + 15}">${describe(benchmark, result)}</text>`;
}

function usedPart({ target }: Benchmark, { ratio, ours, reference }: Result): number {
  return 'ratio' in target ? ratio / target.ratio : (ours - reference) / target.more;
}

function describe(benchmark: Benchmark, { ratio, ours, reference, unit }: Result): string {
  const measured =
    'ratio' in benchmark.target ? figure(ratio) : `+ ${figure(ours - reference)} ${unit}`;
  return `${measured}, target ${formatTarget(benchmark)}`;
}
