/** One model of the memory suite and the figures that it is held against, in KiB of activations, streamed input, no recomputation. */
export interface MemoryReference {
  readonly model: string;
  /** Arguments that freeze its open dimensions. */
  readonly freeze: readonly string[];
  /** Peak of whole-tensor planning, at most. */
  readonly wholeKib: number;
  /** A plain simulation of row streaming; undefined where that is worse than whole tensors, so these are the bound. */
  readonly streamedKib?: number;
}

/** Reference figures: a plain row-streaming simulation of each model, layer graphs with fused activations, int8 or float32 as the file has it. */
export const MEMORY_REFERENCES: readonly MemoryReference[] = [
  { model: 'mbv2_224_qdq', freeze: [], wholeKib: 1470, streamedKib: 232 },
  { model: 'mcunet_vww_qdq', freeze: [], wholeKib: 94, streamedKib: 33 },
  { model: 'mcunetv2_large_qdq', freeze: [], wholeKib: 1470, streamedKib: 436 },
  { model: 'person_detect_qdq', freeze: [], wholeKib: 54, streamedKib: 14 },
  { model: 'pretrainedResnet_quant_qdq', freeze: [], wholeKib: 48, streamedKib: 15 },
  { model: 'kws_ref_model_qdq', freeze: [], wholeKib: 16, streamedKib: 9 },
  { model: 'superres_core_224', freeze: [], wholeKib: 25088, streamedKib: 2125 },
  { model: 'ultraface_rfb_640', freeze: [], wholeKib: 14400, streamedKib: 2456 },
  { model: 'yunet_n_320', freeze: [], wholeKib: 3200, streamedKib: 740 },
  { model: 'fastestdet', freeze: [], wholeKib: 4356, streamedKib: 916 },
  { model: 'prisma_seg', freeze: ['--dim', 'None=1'], wholeKib: 8192, streamedKib: 6416 },
  { model: 'ch_PP-OCRv4_det_infer', freeze: ['--shape', 'x=1,3,640,640'], wholeKib: 36000, streamedKib: 12968 },
  { model: 'ch_ppocr_mobile_v2.0_cls_infer', freeze: ['--shape', 'x=1,3,48,192'], wholeKib: 324 },
  { model: 'ch_PP-OCRv4_rec_infer', freeze: ['--shape', 'x=1,3,48,320'], wholeKib: 1920 },
  { model: 'dtln_1', freeze: [], wholeKib: 6 },
  { model: 'ad01_int8_qdq', freeze: [], wholeKib: 1 },
];
