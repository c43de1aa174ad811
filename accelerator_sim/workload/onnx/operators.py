"""What every operator without multiply-accumulates does, by its domain: nothing, or moving words in some way.

The standard's own, its preview, training and machine-learning domains are listed whole (a test walks its schemas),
those of onnxruntime as far as https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md describes
them. Operators that multiply have a row in `makers.py` instead.
"""

from __future__ import annotations

import onnx

STANDARD = ("", "ai.onnx")
"""Names of the standard domain; `order.py` writes it as the first."""
RUNTIME = "com.microsoft"
BLOCKED = "com.microsoft.nchwc"
"""onnxruntime's operators over channels in blocks of 8 or 16."""
CHANNELS_LAST = "com.ms.internal.nhwc"
"""onnxruntime's operators over channels that come last."""
MACHINE_LEARNING = "ai.onnx.ml"
PREVIEW = "ai.onnx.preview"
TRAINING = "ai.onnx.preview.training"
PYTORCH = "aten"
"""PyTorch's own operators, as far as the standard has no equal of them: those of modules that it traces."""
STEPS = "accelerator-sim.steps"
"""Our own views of tensors by step, which unrolled loops are written with: `Take` and `Stack`."""

OperatorKey = tuple[str, str]
"""Domain and name of an operator."""


def names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_FREE = {
    "": names("""
        Identity Reshape Flatten Squeeze Unsqueeze Dropout Shape Size Constant ConstantOfShape Cast CastLike BitCast
        QuantizeLinear DequantizeLinear DynamicQuantizeLinear Range EyeLike ConstantFill GivenTensorFill
        HannWindow HammingWindow BlackmanWindow MelWeightMatrix SequenceEmpty SequenceLength Optional
        OptionalGetElement OptionalHasElement
    """),
    RUNTIME: names("""
        QuantizeLinear DequantizeLinear QuantizeBFP DequantizeBFP QuantizeWithOrder DequantizeWithOrder ExpandDims Range
        BitmaskDropout
    """),
    STEPS: names("Take Stack"),
    PYTORCH: names("view_as_real view_as_complex"),
    MACHINE_LEARNING: names("CastMap ZipMap"),
}

_MOVES: dict[str, dict[str, frozenset[str]]] = {
    "pool": {
        "": names("""
            MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool MaxRoiPool RoiAlign MaxUnpool
            ReduceMean ReduceMax ReduceMin ReduceSum ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum
            ReduceLogSumExp ArgMax ArgMin
        """),
        RUNTIME: names("""
            QLinearAveragePool QLinearGlobalAveragePool QLinearReduceMean MaxpoolWithMask NhwcMaxPool ReduceSumInteger
        """),
        BLOCKED: names("MaxPool AveragePool GlobalAveragePool GlobalMaxPool"),
        CHANNELS_LAST: names("""
            MaxPool AveragePool GlobalAveragePool GlobalMaxPool GlobalLpPool LpPool QLinearAveragePool MaxUnpool
        """),
        PYTORCH: names("adaptive_pool bag var_mean std_mean median nanmedian mode kthvalue aminmax count_nonzero"),
    },
    "activation": {
        "": names("""
            Sigmoid HardSigmoid HardSwish Tanh Elu Selu Celu Softplus Softsign Gelu Swish SwiGLU Mish Erf Relu LeakyRelu
            PRelu ThresholdedRelu Clip Exp Log Sqrt Abs Neg Reciprocal Pow Shrink Sign Floor Ceil Round Sin Cos Tan Asin
            Acos Atan Sinh Cosh Asinh Acosh Atanh ScaledTanh ParametricSoftplus
        """),
        RUNTIME: names("""
            Gelu FastGelu QuickGelu BiasGelu BiasSplitGelu ScaledSiLU SwiGLU QLinearLeakyRelu QLinearSigmoid
            QOrderedGelu LinearAttentionGate
        """),
        PYTORCH: names("""
            rrelu_with_noise_functional polar erfinv lgamma digamma i0 special_i0e special_i1 special_i1e polygamma
            frac nan_to_num sinc angle complex real imag
        """),
    },
    "norm": {
        "": names("""
            BatchNormalization LayerNormalization InstanceNormalization GroupNormalization RMSNormalization LRN
            MeanVarianceNormalization LpNormalization
        """),
        RUNTIME: names("""
            SkipLayerNormalization SkipSimplifiedLayerNormalization SimplifiedLayerNormalization GroupNorm SkipGroupNorm
            QOrderedLayerNormalization BranchwiseRMSNorm GatedRMSNorm RMSNormRotary
        """),
        CHANNELS_LAST: names("BatchNormalization InstanceNormalization LRN"),
        MACHINE_LEARNING: names("Normalizer Scaler"),
        PYTORCH: names("""
            _native_batch_norm_legit _native_batch_norm_legit_functional _batch_norm_with_update_functional
            native_batch_norm renorm
        """),
    },
    "softmax": {"": names("Softmax LogSoftmax Hardmax"), RUNTIME: names("BiasSoftmax QLinearSoftmax")},
    "add": {
        "": names("Add Sub Sum Max Min Mean"),
        RUNTIME: names("BiasAdd BiasDropout BitmaskBiasDropout QLinearAdd GatedAdd"),
    },
    "mul": {"": names("Mul Div Affine ImageScaler"), RUNTIME: names("QLinearMul MulInteger ComplexMul ComplexMulConj")},
    "embedding": {
        "": names("Gather"),
        RUNTIME: names("""
            EmbedLayerNormalization QEmbedLayerNormalization GatherBlockQuantized GatherPacked TorchEmbedding
            RelativePositionBias
        """),
    },
    "other": {
        "": names("""
            Concat Split Slice Transpose Pad Resize Upsample Tile Expand Where SpaceToDepth DepthToSpace GatherElements
            GatherND ScatterND ScatterElements Scatter TopK CumSum CumProd NonMaxSuppression Equal Greater Less And Or
            Not Xor GreaterOrEqual LessOrEqual IsNaN IsInf OneHot Compress NonZero Trilu RotaryEmbedding GridSample Mod
            Unique ReverseSequence TensorScatter CenterCropPad Col2Im Det BitShift BitwiseAnd BitwiseNot BitwiseOr
            BitwiseXor Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike
            NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss ImageDecoder StringConcat StringNormalizer StringSplit
            RegexFullMatch TfIdfVectorizer SequenceAt SequenceConstruct SequenceErase SequenceInsert SplitToSequence
            ConcatFromSequence Crop DynamicSlice If Loop Scan SequenceMap
        """),
        RUNTIME: names("""
            RotaryEmbedding GemmaRotaryEmbedding MRotaryEmbedding Pad GatherND GridSample Trilu Unique CropAndResize
            QLinearConcat QLinearWhere RemovePadding RestorePadding NGramRepeatBlock MurmurHash3 Tokenizer UnfoldTensor
            IsAllFinite BifurcationDetector DynamicTimeWarping NGramHashMapping VarlenNGramHashMapping
            SpeculativePrefixCommit MoEGroupRouter
        """),
        BLOCKED: names("ReorderInput ReorderOutput Upsample"),
        CHANNELS_LAST: names("DepthToSpace SpaceToDepth GridSample Resize"),
        MACHINE_LEARNING: names("""
            ArrayFeatureExtractor Binarizer CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder
            OneHotEncoder TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
        """),
        TRAINING: names("Adagrad Adam Momentum"),
        PYTORCH: names("""
            index index_put scatter scatter_add scatter_reduce masked_scatter select_scatter slice_scatter
            diagonal_scatter diagonal unfold im2col as_strided bucketize searchsorted nonzero nonzero_static unique2
            _unique2 unique_dim histc bincount cummax cummin logcumsumexp roll rot90 put take index_add index_copy
            index_fill atan2 hypot nextafter copysign xlogy igamma igammac gcd lcm heaviside ldexp bitwise_left_shift
            bitwise_right_shift tril_indices triu_indices masked_select repeat_interleave channel_shuffle
            native_channel_shuffle
        """),
    },
}

FREE: frozenset[OperatorKey] = frozenset((domain, op) for domain, ops in _FREE.items() for op in ops)
"""Operators that move nothing: another view of the same words, their number format, or a constant."""

OPS: dict[OperatorKey, str] = {
    (domain, op): kind for kind, domains in _MOVES.items() for domain, ops in domains.items() for op in ops
}
"""Kinds of traffic by operator."""

UNCOUNTED: frozenset[OperatorKey] = frozenset(
    [
        (PYTORCH, op)
        for op in names("""
            _cdist_forward _pdist_forward _fft_r2c _fft_c2c _fft_c2r _linalg_det _linalg_eigh _linalg_slogdet
            _linalg_solve_ex _linalg_svd linalg_cholesky_ex linalg_eig linalg_eigvals linalg_householder_product
            linalg_inv_ex linalg_ldl_factor_ex linalg_ldl_solve linalg_lstsq linalg_lu linalg_lu_factor_ex
            linalg_lu_solve linalg_matrix_exp linalg_qr linalg_solve_triangular cholesky cholesky_inverse
            cholesky_solve geqrf ormqr lu_unpack triangular_solve _trilinear _grouped_mm _scaled_mm _int_mm
            _weight_int8pack_mm _weight_int4pack_mm _convolution_double_backward mkldnn_rnn_layer
        """)
    ]
    + [(MACHINE_LEARNING, "SVMClassifier"), (MACHINE_LEARNING, "SVMRegressor"), (TRAINING, "Gradient")]
    + [
        (RUNTIME, op)
        for op in names("""
            AttnLSTM BeamSearch GreedySearch Sampling WhisperBeamSearch CDist ConvTransposeWithDynamicPads
            DecoderAttention DynamicSparseAttention EPContext GatedDeltaNet GatedDeltaNetStateReplay
            GatedRelativePositionBias HyperConnectionLowRankMix HyperConnectionPostMix HyperConnectionPreMix Inverse
            Irfft LongformerAttention Mamba2Verify MatMulNBitsQLoRA MatMulPacked MoEPacked
            PackedSparseAttentionIndexer PackedSparseAttentionIndexerMerge PagedAttention QOrderedAttention
            QOrderedLongformerAttention QOrderedMatMul RouterGateUpProj SparseAttention SparseAttentionIndexer
            SparsePagedAttention SparseToDenseMatMul VarlenCausalConvWithState WordConvEmbedding
        """)
    ]
)
"""Operators that are known to multiply and are not counted: their layers fail by name."""


def operator_key(node: onnx.NodeProto) -> OperatorKey:
    """Return the domain and the name of an operator.

    onnxruntime has some of its own operators also in the standard domain (SimplifiedLayerNormalization).
    """
    domain = "" if node.domain in STANDARD else str(node.domain)
    key = (domain, str(node.op_type))
    own = (RUNTIME, key[1])
    if domain == "" and key not in OPS and key not in FREE and (own in OPS or own in FREE):
        return own
    return key


def named(node: onnx.NodeProto) -> str:
    """Return the name of an operator with its domain, for messages."""
    return f"{node.domain}.{node.op_type}".lstrip(".")
