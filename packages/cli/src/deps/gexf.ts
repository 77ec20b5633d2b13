import { type Access, boxKey, type Decomposition, type Dependences, formatBox, intersect, type Program, volume } from '@regrain/core-ir';
import { edgeRows } from './edges.js';

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
  tasks: number;
  elements: number;
}

/**
 * The regions that instructions access, one node per tensor and box, and between two of them an edge per kind of dependence that runs
 * through them, with its number of task pairs and shared elements: GEXF 1.3, as Gephi reads it (gexf.net).
 */
export function regionGraph(program: Program, work: Decomposition, dependences: Dependences): string {
  const nodes = new Map<string, { readonly id: number; readonly label: string }>();
  const nodeOf = ({ instance, box }: Access): number => {
    const key = `${instance}:${boxKey(box)}`;
    const known = nodes.get(key);
    if (known) return known.id;
    const label = `${program.tensors[work.instances[instance].tensor].name}${formatBox(box)}`;
    nodes.set(key, { id: nodes.size, label });
    return nodes.size - 1;
  };
  for (const task of work.tasks) for (const access of task.accesses) nodeOf(access);
  const edges = new Map<string, Edge>();
  for (const [fromTask, toTask, kind] of edgeRows(work, dependences, (task) => task)) {
    for (const a of work.tasks[fromTask].accesses) {
      for (const b of work.tasks[toTask].accesses) {
        const common = a.instance === b.instance && isKind(kind, a, b) ? intersect(a.box, b.box) : undefined;
        if (!common) continue;
        const [from, to] = [nodeOf(a), nodeOf(b)];
        const key = `${from} ${to} ${kind}`;
        const edge = edges.get(key) ?? { from, to, kind, tasks: 0, elements: 0 };
        edge.tasks++;
        edge.elements += volume(common);
        edges.set(key, edge);
      }
    }
  }
  return document([...nodes.values()], [...edges.values()]);
}

function isKind(kind: string, a: Access, b: Access): boolean {
  const writes = (access: Access): boolean => access.mode !== 'read';
  const reads = (access: Access): boolean => access.mode !== 'write';
  return kind === 'raw' ? writes(a) && reads(b) : kind === 'war' ? reads(a) && writes(b) : writes(a) && writes(b);
}

function document(nodes: readonly { readonly id: number; readonly label: string }[], edges: readonly Edge[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" version="1.3">
  <graph defaultedgetype="directed">
    <attributes class="edge">
      <attribute id="kind" title="kind" type="string"/>
      <attribute id="tasks" title="pairs of tasks" type="integer"/>
      <attribute id="elements" title="shared elements" type="double"/>
    </attributes>
    <nodes>
${nodes.map(({ id, label }) => `      <node id="${id}" label="${escaped(label)}"/>`).join('\n')}
    </nodes>
    <edges>
${edges.map(edgeText).join('\n')}
    </edges>
  </graph>
</gexf>
`;
}

function edgeText({ from, to, kind, tasks, elements }: Edge, id: number): string {
  const values = Object.entries({ kind, tasks, elements }).map(([name, value]) => `<attvalue for="${name}" value="${value}"/>`);
  return `      <edge id="${id}" source="${from}" target="${to}" weight="${tasks}"><attvalues>${values.join('')}</attvalues></edge>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
