"""Workload files in the style of those that are public."""

CONV_SPACES = """\
    data_spaces:
      - name: Weights
        projection:
          - [ [C] ]
          - [ [M] ]
          - [ [R] ]
          - [ [S] ]
      - name: Inputs
        projection:
          - [ [N] ]
          - [ [C] ]
          - [ [R, Wdilation], [P, Wstride] ]
          - [ [S, Hdilation], [Q, Hstride] ]
      - name: Outputs
        projection:
          - [ [N] ]
          - [ [M] ]
          - [ [Q] ]
          - [ [P] ]
        read_write: True
"""

COEFFICIENTS = """\
    coefficients:
      - {name: Wstride, default: 1}
      - {name: Hstride, default: 1}
      - {name: Wdilation, default: 1}
      - {name: Hdilation, default: 1}
"""

CONV = f"""\
problem:
  version: 0.4
  shape:
    name: conv2d
    dimensions: [ C, M, R, S, N, P, Q ]
{COEFFICIENTS}{CONV_SPACES}\
  instance:
    {{N: 1, C: 3, M: 64, P: 112, Q: 112, R: 7, S: 7, Wstride: 2, Hstride: 2}}
"""

FLAT = """\
problem:
  C: 64
  Hdilation: 1
  Hstride: 1
  K: 128
  N: 1
  P: 28
  Q: 28
  R: 3
  S: 3
  Wdilation: 1
  Wstride: 1
  shape: cnn-layer
"""

KEBAB = """\
problem:
  shape:
    name: "dw-cnn-layer"
    dimensions: [ R, S, P, Q, C, N ]
    coefficients:
      - name: Wstride
        default: 1
      - name: Hstride
        default: 1
    data-spaces:
      - name: Weights
        projection:
          - [ [C] ]
          - [ [R] ]
          - [ [S] ]
      - name: Inputs
        projection:
          - [ [N] ]
          - [ [C] ]
          - [ [R], [P, Wstride] ]
          - [ [S], [Q, Hstride] ]
      - name: Outputs
        projection:
          - [ [N] ]
          - [ [C] ]
          - [ [Q] ]
          - [ [P] ]
        read-write: True
  R: 3
  S: 3
  P: 56
  Q: 56
  C: 64
  N: 1
  Wstride: 2
  Hstride: 2
"""

GROUPED = """\
problem:
  version: 0.4
  shape:
    name: grouped
    dimensions: [G, C, M, R, S, N, P, Q]
    data_spaces:
      - {name: Weights, projection: [G, C, M, R, S]}
      - {name: Inputs, projection: [[[N]], [[G]], [[C]], [[R], [P]], [[S], [Q]]]}
      - {name: Outputs, projection: [N, G, M, P, Q], read_write: true}
  instance: {G: 2, C: 48, M: 128, R: 5, S: 5, N: 4, P: 27, Q: 27}
"""

GEMM = """\
problem:
  version: 0.4
  shape:
    name: gemm_ABZ
    dimensions: [M, N, K]
    data_spaces:
      - name: A
        projection:
          - [ [M] ]
          - [ [K] ]
      - name: B
        projection:
          - [ [N] ]
          - [ [K] ]
      - name: Z
        projection:
          - [ [M] ]
          - [ [N] ]
        read_write: True
  instance:
    M: 128
    N: 3072
    K: 768
    densities:
      A: {distribution: fixed_structured, density: 0.5}
      B: 0.25
"""

ATTENTION = """\
problem:
  shape:
    name: qk
    dimensions: [B, H, M, N, K]
    data_spaces:
      - {name: A, projection: [[[B]], [[H]], [[M]], [[K]]]}
      - {name: B, projection: [[[B]], [[H]], [[N]], [[K]]]}
      - {name: Z, projection: [[[B]], [[H]], [[M]], [[N]]], read_write: true}
  instance: {B: 2, H: 12, M: 128, N: 128, K: 64}
"""

RESNET = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,

Conv1,\t229, 229, 7, 7, 3, 64, 2,
CB2a_1, 56, 56, 1, 1, 64, 64, 1,
CB2a_2, 58, 58, 3, 3, 64, 64, 1
CB3s, 55, 55, 1, 1, 256, 512, 2,

FC6, 1, 1, 1, 1, 2048, 1000, 1,
"""

MOBILENET = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1, 225, 225, 3, 3, 3, 32, 2,
Conv2_dw, 114, 114, 3, 3, 1, 1, 1,#dw
Conv3, 112, 112, 1, 1, 32, 64, 1,
Conv4_DP, 113, 113, 3, 3, 64, 1, 2,
DepthwiseConv2D_3, 58, 58, 3, 3, 128, 1, 1,
Conv6_dw, 58, 58, 3, 3, 1, 128, 1,
"""

PRODUCTS = """\
Layer Name, M, N, K,
qkv, 128, 2304, 768,
scores, 128, 128, 64, 12,
sparse, 128, 3072, 768, 2:4,
"""
