/** A point of a front: arena bytes at a factor of multiply-accumulates. */
export interface FrontTarget {
  readonly macFactor: number;
  /** To reach. */
  readonly bytes: number;
  /** What is published at that factor. */
  readonly published?: number;
}

export interface FrontReference {
  readonly name: string;
  /** A model's file name, or a network that the bench makes itself. */
  readonly from: 'model' | 'network';
  readonly freeze: readonly string[];
  readonly input: 'external' | 'streamed';
  /** A described machine: its alignment counts, and its memory must hold the plans by whole tensors too. */
  readonly target: string;
  readonly targets: readonly FrontTarget[];
  readonly publishedBy?: string;
}

const KIB = 1024;
const MIB = 1024 ** 2;
const MSF = 'msf-CNN';
/** Small: tiles are aligned to 4 bytes. */
const SMALL = 'cortex-m7-f746';
/** Large: tiles are aligned to 64 bytes. */
const LARGE = 'cpu';
const points = (...pairs: readonly (readonly [macFactor: number, bytes: number, published?: number])[]): FrontTarget[] =>
  pairs.map(([macFactor, bytes, published]) => ({ macFactor, bytes, ...(published === undefined ? {} : { published }) }));

/**
 * Fronts to reach. The published figures are those of msf-CNN (Huang & Baccelli 2025, table of fusion settings) and MCUNetV2 (Lin et al.
 * 2021), arena bytes with the input outside of it; the others are of a plain search by segments, columns and recomputation.
 */
export const FRONT_REFERENCES: readonly FrontReference[] = [
  {
    name: 'mcunet_vww_qdq',
    from: 'model',
    freeze: [],
    input: 'external',
    target: SMALL,
    publishedBy: MSF,
    targets: points(
      [1, 11_800, 89_600],
      [1.02, 10_400, 38_576],
      [1.04, 9200, 32_792],
      [1.11, 8400, 26_128],
      [1.3, 7900, 17_760],
      [1.96, 7500, 12_000],
    ),
  },
  {
    name: 'mbv2_224_qdq',
    from: 'model',
    freeze: [],
    input: 'external',
    target: SMALL,
    publishedBy: 'MCUNetV2',
    targets: points([1, 76 * KIB], [1.05, 46 * KIB], [1.1, 38 * KIB, 172_000], [1.3, 34 * KIB]),
  },
  {
    name: 'mbv2-w0.35-r144',
    from: 'network',
    freeze: [],
    input: 'external',
    target: SMALL,
    publishedBy: MSF,
    targets: points([1, 15_000, 181_440], [1.1, 8200, 67_905], [1.3, 6300, 21_288], [1.38, 6100, 15_340]),
  },
  {
    name: 'mcunet-320kb-r176',
    from: 'network',
    freeze: [],
    input: 'external',
    target: SMALL,
    publishedBy: MSF,
    targets: points([1, 56 * KIB, 247_808], [1.37, 37 * KIB, 156_672]),
  },
  { name: 'mbv2_224_qdq', from: 'model', freeze: [], input: 'streamed', target: SMALL, targets: points([1, 86 * KIB], [1.1, 51 * KIB]) },
  {
    name: 'mcunet_vww_qdq',
    from: 'model',
    freeze: [],
    input: 'streamed',
    target: SMALL,
    targets: points([1, 13_300], [1.11, 9900], [1.96, 9000]),
  },
  {
    name: 'mcunetv2_large_qdq',
    from: 'model',
    freeze: [],
    input: 'external',
    target: SMALL,
    targets: points([1, 230 * KIB], [1.15, 68 * KIB]),
  },
  {
    name: 'prisma_seg',
    from: 'model',
    freeze: ['--dim', 'None=1'],
    input: 'external',
    target: LARGE,
    targets: points([1, 5.2 * MIB], [1.05, 4.2 * MIB], [1.25, 2.5 * MIB]),
  },
  {
    name: 'ch_PP-OCRv4_det_infer',
    from: 'model',
    freeze: ['--shape', 'x=1,3,640,640'],
    input: 'external',
    target: LARGE,
    targets: points([1.05, 4 * MIB]),
  },
];
