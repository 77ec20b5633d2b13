import {
  type Access,
  boxKey,
  type Decomposition,
  type Dependences,
  formatBox,
  intersect,
  type Program,
  RAW,
  volume,
  WAR,
  WAW,
} from '@regrain/core-ir';
import { MultiDirectedGraph } from 'graphology';

export interface RegionNode {
  /** Tensor and box. */
  label: string;
}

export interface RegionEdge {
  kind: 'raw' | 'war' | 'waw';
  /** Pairs of tasks that depend on each other through the two regions. */
  tasks: number;
  /** Elements shared, summed over those pairs. */
  elements: number;
}

export type RegionGraph = MultiDirectedGraph<RegionNode, RegionEdge>;

const KINDS = [
  { bit: RAW, kind: 'raw', first: writes, then: reads },
  { bit: WAR, kind: 'war', first: reads, then: writes },
  { bit: WAW, kind: 'waw', first: writes, then: writes },
] as const;

/**
 * The boxes that tasks access, one node per instance and box, and between two of them an edge per kind of dependence that runs through
 * them. For people, export and clustering: up to some 10^5 edges; the stages use the arrays of `Dependences`.
 */
export function regionGraph(program: Program, work: Decomposition, { row, from, kinds }: Dependences): RegionGraph {
  const graph: RegionGraph = new MultiDirectedGraph();
  const nodeOf = ({ instance, box }: Access): string => {
    const label = `${program.tensors[work.instances[instance].tensor].name}${formatBox(box)}`;
    const [node] = graph.mergeNode(`${instance}:${boxKey(box)}`, { label });
    return node;
  };
  for (const task of work.tasks) for (const access of task.accesses) nodeOf(access);
  for (let task = 0; task + 1 < row.length; task++) {
    for (let e = row[task]; e < row[task + 1]; e++) {
      for (const { bit, kind, first, then } of KINDS) {
        if (!(kinds[e] & bit)) continue;
        for (const a of work.tasks[from[e]].accesses) {
          for (const b of work.tasks[task].accesses) {
            const common = a.instance === b.instance && first(a) && then(b) ? intersect(a.box, b.box) : undefined;
            if (common) count(graph, nodeOf(a), nodeOf(b), kind, volume(common));
          }
        }
      }
    }
  }
  return graph;
}

function count(graph: RegionGraph, from: string, to: string, kind: RegionEdge['kind'], elements: number): void {
  const key = `${from} ${to} ${kind}`;
  if (!graph.hasEdge(key)) graph.addDirectedEdgeWithKey(key, from, to, { kind, tasks: 0, elements: 0 });
  graph.updateEdgeAttribute(key, 'tasks', (tasks = 0) => tasks + 1);
  graph.updateEdgeAttribute(key, 'elements', (sum = 0) => sum + elements);
}

function writes({ mode }: Access): boolean {
  return mode !== 'read';
}

function reads({ mode }: Access): boolean {
  return mode !== 'write';
}
