// Written by test/onnx/makeOperatorTypes.py from onnx 1.23.2 and onnxruntime 1.32.0 (Apache-2.0 and MIT): do not edit.

/**
 * Types of each operator's inputs and outputs by domain, a line for each form: its name, the first operator set that has
 * it, inputs, `>`, outputs, `:`, and for each type parameter which of float32, float16, bfloat16 and float64 (`fhbd`) it
 * may be. `*` may be given many times, `?` is tied to nothing, `@` names the attribute that tells the type, `|` what else.
 */
export const OPERATOR_TYPES: Readonly<Record<string, string>> = {
  'ai.onnx': `
Abs 6 T > T : T=fhd
Abs 13 T > T : T=fhbd
Acos 7 T > T : T=fhd
Acos 22 T > T : T=fhbd
Acosh 9 T > T : T=fhd
Acosh 22 T > T : T=fhbd
Add 7 T T > T : T=fhd
Add 13 T T > T : T=fhbd
AffineGrid 20 T1 int64 > T1 : T1=fhbd
And 7 bool bool > bool :
ArgMax 1 T > int64 : T=fhd
ArgMax 13 T > int64 : T=fhbd
ArgMin 1 T > int64 : T=fhd
ArgMin 13 T > int64 : T=fhbd
Asin 7 T > T : T=fhd
Asin 22 T > T : T=fhbd
Asinh 9 T > T : T=fhd
Asinh 22 T > T : T=fhbd
Atan 7 T > T : T=fhd
Atan 22 T > T : T=fhbd
Atanh 9 T > T : T=fhd
Atanh 22 T > T : T=fhbd
Attention 23 T1 T1 T2 U T1 T2 > T1 T1 T2 T1 : T1=fhbd T2=fhbd U=fhbd
Attention 24 T1 T1 T2 U T1 T2 int64 > T1 T1 T2 T1 : T1=fhbd T2=fhbd U=fhbd
AveragePool 7 T > T : T=fhd
AveragePool 22 T > T : T=fhbd
BatchNormalization 7 T T T T T > T T T T T : T=fhd
BatchNormalization 14 T T T U U > T U U : T=fhbd U=fhbd
BatchNormalization 15 T T1 T1 T2 T2 > T T2 T2 : T=fhbd T1=fhbd T2=fhbd
Bernoulli 15 T1 > @dtype|T1 : T1=fhd
Bernoulli 22 T1 > @dtype|T1 : T1=fhbd
BitCast 26 T1 > @to : T1=fhbd
BitShift 11 T T > T : T=-
BitwiseAnd 18 T T > T : T=-
BitwiseNot 18 T > T : T=-
BitwiseOr 18 T T > T : T=-
BitwiseXor 18 T T > T : T=-
BlackmanWindow 17 T1 > @output_datatype|float32 : T1=-
Cast 6 T1 > @to : T1=fhd
Cast 13 T1 > @to : T1=fhbd
CastLike 15 T1 T2 > T2 : T1=fhbd T2=fhbd
CausalConvWithState 27 T T T T > T T : T=fhb
Ceil 6 T > T : T=fhd
Ceil 13 T > T : T=fhbd
Celu 12 float32 > float32 :
Celu 28 T > T : T=fhbd
CenterCropPad 18 T Tind > T : T=fhbd Tind=-
Clip 6 T > T : T=fhd
Clip 11 T T T > T : T=fhd
Clip 13 T T T > T : T=fhbd
Col2Im 18 T int64 int64 > T : T=fhbd
Compress 9 T bool > T : T=fhd
Compress 28 T bool > T : T=fhbd
Concat 4 T* > T : T=fhd
Concat 13 T* > T : T=fhbd
ConcatFromSequence 11 ? > ? :
Constant 1 > @value :
ConstantOfShape 9 int64 > @value|float32 :
Conv 1 T T T > T : T=fhd
Conv 22 T T T > T : T=fhbd
ConvInteger 10 T1 T2 T1 T2 > int32 : T1=- T2=-
ConvTranspose 1 T T T > T : T=fhd
ConvTranspose 22 T T T > T : T=fhbd
Cos 7 T > T : T=fhd
Cos 22 T > T : T=fhbd
Cosh 9 T > T : T=fhd
Cosh 22 T > T : T=fhbd
CumProd 26 T T2 > T : T=fhbd T2=-
CumSum 11 T T2 > T : T=fd T2=-
CumSum 14 T T2 > T : T=fhbd T2=-
DFT 17 T1 T2 > T1 : T1=fhbd T2=-
DFT 20 T1 T2 int64 > T1 : T1=fhbd T2=-
DeformConv 19 T T T T T > T : T=fhd
DeformConv 22 T T T T T > T : T=fhbd
DepthToSpace 1 T > T : T=fhd
DepthToSpace 13 T > T : T=fhbd
DequantizeLinear 10 T float32 T > float32 : T=-
DequantizeLinear 19 T1 T2 T1 > T2 : T1=- T2=fhb
DequantizeLinear 23 T1 T2 T1 > @output_dtype|T2 : T1=- T2=fhb
Det 11 T > T : T=fhd
Det 22 T > T : T=fhbd
Div 7 T T > T : T=fhd
Div 13 T T > T : T=fhbd
Dropout 7 T > T T : T=fhd
Dropout 10 T > T bool : T=fhd
Dropout 12 T T1 bool > T bool : T=fhd T1=fhd
Dropout 13 T T1 bool > T bool : T=fhbd T1=fhd
Dropout 22 T T1 bool > T bool : T=fhbd T1=fhbd
DynamicQuantizeLinear 11 float32 > uint8 float32 uint8 :
Einsum 12 T* > T : T=fhd
Einsum 28 T* > T : T=fhbd
Elu 6 T > T : T=fhd
Elu 22 T > T : T=fhbd
Equal 7 T T > bool : T=-
Equal 11 T T > bool : T=fhd
Equal 13 T T > bool : T=fhbd
Erf 9 T > T : T=fhd
Erf 13 T > T : T=fhbd
Exp 6 T > T : T=fhd
Exp 13 T > T : T=fhbd
Expand 8 T int64 > T : T=fhd
Expand 13 T int64 > T : T=fhbd
EyeLike 9 T1 > @dtype|T1 : T1=fhd
EyeLike 22 T1 > @dtype|T1 : T1=fhbd
Flatten 1 T > T : T=fhd
Flatten 13 T > T : T=fhbd
Floor 6 T > T : T=fhd
Floor 13 T > T : T=fhbd
GRU 7 T T T T int32 T > T T : T=fhd
GRU 22 T T T T int32 T > T T : T=fhbd
Gather 1 T Tind > T : T=fhd Tind=-
Gather 13 T Tind > T : T=fhbd Tind=-
GatherElements 11 T Tind > T : T=fhd Tind=-
GatherElements 13 T Tind > T : T=fhbd Tind=-
GatherND 11 T int64 > T : T=fhd
GatherND 13 T int64 > T : T=fhbd
Gelu 20 T > T : T=fhbd
Gemm 7 T T T > T : T=fhd
Gemm 13 T T T > T : T=fhbd
GlobalAveragePool 1 T > T : T=fhd
GlobalAveragePool 22 T > T : T=fhbd
GlobalLpPool 2 T > T : T=fhd
GlobalLpPool 22 T > T : T=fhbd
GlobalMaxPool 1 T > T : T=fhd
GlobalMaxPool 22 T > T : T=fhbd
Greater 7 T T > bool : T=fhd
Greater 13 T T > bool : T=fhbd
GreaterOrEqual 12 T T > bool : T=fhd
GreaterOrEqual 16 T T > bool : T=fhbd
GridSample 16 T1 T2 > T1 : T1=fhd T2=fhd
GridSample 22 T1 T2 > T1 : T1=fhbd T2=fhbd
GroupNormalization 21 T T T > T : T=fhbd
HammingWindow 17 T1 > @output_datatype|float32 : T1=-
HannWindow 17 T1 > @output_datatype|float32 : T1=-
HardSigmoid 6 T > T : T=fhd
HardSigmoid 22 T > T : T=fhbd
HardSwish 14 T > T : T=fhd
HardSwish 22 T > T : T=fhbd
Hardmax 1 T > T : T=fhd
Hardmax 13 T > T : T=fhbd
Identity 1 T > T : T=fhd
Identity 13 T > T : T=fhbd
Identity 14 V > V : V=fhbd
If 1 bool > ?* :
ImageDecoder 20 uint8 > uint8 :
InstanceNormalization 6 T T T > T : T=fhd
InstanceNormalization 22 T T T > T : T=fhbd
IsInf 10 T1 > bool : T1=fd
IsInf 20 T1 > bool : T1=fhbd
IsNaN 9 T1 > bool : T1=fhd
IsNaN 13 T1 > bool : T1=fhbd
LRN 1 T > T : T=fhd
LRN 13 T > T : T=fhbd
LSTM 7 T T T T int32 T T T > T T T : T=fhd
LSTM 22 T T T T int32 T T T > T T T : T=fhbd
LayerNormalization 17 T T T > T @stash_type|float32 @stash_type|float32 : T=fhbd
LeakyRelu 6 T > T : T=fhd
LeakyRelu 16 T > T : T=fhbd
Less 7 T T > bool : T=fhd
Less 13 T T > bool : T=fhbd
LessOrEqual 12 T T > bool : T=fhd
LessOrEqual 16 T T > bool : T=fhbd
LinearAttention 27 T T T S T T > T S : S=fhb T=fhb
Log 6 T > T : T=fhd
Log 13 T > T : T=fhbd
LogSoftmax 1 T > T : T=fhd
LogSoftmax 13 T > T : T=fhbd
Loop 1 int64 bool ?* > ?* : V=fhd
Loop 16 int64 bool ?* > ?* : V=fhbd
LpNormalization 1 T > T : T=fhd
LpNormalization 22 T > T : T=fhbd
LpPool 2 T > T : T=fhd
LpPool 22 T > T : T=fhbd
MatMul 1 T T > T : T=fhd
MatMul 13 T T > T : T=fhbd
MatMulInteger 10 T1 T2 T1 T2 > int32 : T1=- T2=-
Max 6 T* > T : T=fhd
Max 13 T* > T : T=fhbd
MaxPool 1 T > T : T=fhd
MaxPool 8 T > T int64 : T=fhd
MaxPool 22 T > T int64 : T=fhbd
MaxRoiPool 1 T T > T : T=fhd
MaxRoiPool 22 T T > T : T=fhbd
MaxUnpool 9 T1 int64 int64 > T1 : T1=fhd
MaxUnpool 22 T1 int64 int64 > T1 : T1=fhbd
Mean 6 T* > T : T=fhd
Mean 13 T* > T : T=fhbd
MeanVarianceNormalization 9 T > T : T=fhd
MeanVarianceNormalization 13 T > T : T=fhbd
MelWeightMatrix 17 T1 T1 T1 T2 T2 > @output_datatype|float32 : T1=- T2=fhbd
Min 6 T* > T : T=fhd
Min 13 T* > T : T=fhbd
Mish 18 T > T : T=fhd
Mish 22 T > T : T=fhbd
Mod 10 T T > T : T=fhd
Mod 13 T T > T : T=fhbd
Mul 7 T T > T : T=fhd
Mul 13 T T > T : T=fhbd
Multinomial 7 T1 > @dtype|int32 : T1=fhd
Multinomial 22 T1 > @dtype|int32 : T1=fhbd
Neg 6 T > T : T=fhd
Neg 13 T > T : T=fhbd
NegativeLogLikelihoodLoss 12 T Tind T > T : T=fhd Tind=-
NegativeLogLikelihoodLoss 22 T Tind T > T : T=fhbd Tind=-
NonMaxSuppression 10 float32 float32 int64 float32 float32 > int64 :
NonZero 9 T > int64 : T=fhd
NonZero 13 T > int64 : T=fhbd
Not 1 bool > bool :
OneHot 9 T1 T2 T3 > T3 : T1=fhd T2=fhd T3=fhd
OneHot 28 T1 T2 T3 > T3 : T1=fhd T2=fhd T3=fhbd
Optional 15 V > ? : V=fhd
Optional 28 V > ? : V=fhbd
OptionalGetElement 15 ? > ? :
OptionalGetElement 18 O > ? : O=fhd
OptionalGetElement 28 O > ? : O=fhbd
OptionalHasElement 15 ? > bool :
OptionalHasElement 18 O > bool : O=fhd
OptionalHasElement 28 O > bool : O=fhbd
Or 7 bool bool > bool :
PRelu 7 T T > T : T=fhd
PRelu 16 T T > T : T=fhbd
Pad 2 T > T : T=fhd
Pad 11 T int64 T > T : T=fhd
Pad 13 T int64 T > T : T=fhbd
Pad 18 T int64 T Tind > T : T=fhbd Tind=-
Pow 7 T T > T : T=fhd
Pow 12 T T1 > T : T=fhd T1=fhd
Pow 13 T T1 > T : T=fhbd T1=fhd
Pow 15 T T1 > T : T=fhbd T1=fhbd
QLinearConv 10 T1 float32 T1 T2 float32 T2 float32 T3 int32 > T3 : T1=- T2=- T3=-
QLinearMatMul 10 T1 float32 T1 T2 float32 T2 float32 T3 > T3 : T1=- T2=- T3=-
QLinearMatMul 21 T1 TS T1 T2 TS T2 TS T3 > T3 : T1=- T2=- T3=- TS=fhb
QuantizeLinear 10 T1 float32 T2 > T2|@output_dtype|uint8 : T1=f T2=-
QuantizeLinear 19 T1 T1 T2 > T2|@output_dtype|uint8 : T1=fhb T2=-
QuantizeLinear 23 T1 T2 T3 > T3|@output_dtype|uint8 : T1=fhb T2=fhb T3=-
RMSNormalization 23 T V > V : T=fhbd V=fhbd
RNN 7 T T T T int32 T > T T : T=fhd
RNN 22 T T T T int32 T > T T : T=fhbd
RandomNormal 1 > @dtype|float32 :
RandomNormalLike 1 T1 > @dtype|T1 : T1=fhd
RandomNormalLike 22 T1 > @dtype|T1 : T1=fhbd
RandomUniform 1 > @dtype|float32 :
RandomUniformLike 1 T1 > @dtype|T1 : T1=fhd
RandomUniformLike 22 T1 > @dtype|T1 : T1=fhbd
Range 11 T T T > T : T=fd
Range 27 T T T > T : T=fhbd
Reciprocal 6 T > T : T=fhd
Reciprocal 13 T > T : T=fhbd
ReduceL1 1 T > T : T=fhd
ReduceL1 13 T > T : T=fhbd
ReduceL1 18 T int64 > T : T=fhbd
ReduceL2 1 T > T : T=fhd
ReduceL2 13 T > T : T=fhbd
ReduceL2 18 T int64 > T : T=fhbd
ReduceLogSum 1 T > T : T=fhd
ReduceLogSum 13 T > T : T=fhbd
ReduceLogSum 18 T int64 > T : T=fhbd
ReduceLogSumExp 1 T > T : T=fhd
ReduceLogSumExp 13 T > T : T=fhbd
ReduceLogSumExp 18 T int64 > T : T=fhbd
ReduceMax 1 T > T : T=fhd
ReduceMax 13 T > T : T=fhbd
ReduceMax 18 T int64 > T : T=fhbd
ReduceMean 1 T > T : T=fhd
ReduceMean 13 T > T : T=fhbd
ReduceMean 18 T int64 > T : T=fhbd
ReduceMin 1 T > T : T=fhd
ReduceMin 13 T > T : T=fhbd
ReduceMin 18 T int64 > T : T=fhbd
ReduceProd 1 T > T : T=fhd
ReduceProd 13 T > T : T=fhbd
ReduceProd 18 T int64 > T : T=fhbd
ReduceSum 1 T > T : T=fhd
ReduceSum 13 T int64 > T : T=fhbd
ReduceSumSquare 1 T > T : T=fhd
ReduceSumSquare 13 T > T : T=fhbd
ReduceSumSquare 18 T int64 > T : T=fhbd
RegexFullMatch 20 string > bool :
Relu 6 T > T : T=fhd
Relu 13 T > T : T=fhbd
Reshape 5 T int64 > T : T=fhd
Reshape 13 T int64 > T : T=fhbd
Resize 10 T float32 > T : T=fhd
Resize 11 T1 T2 float32 int64 > T1 : T1=fhd T2=fhd
Resize 13 T1 T2 float32 int64 > T1 : T1=fhbd T2=fhd
ReverseSequence 10 T int64 > T : T=fhd
ReverseSequence 28 T int64 > T : T=fhbd
RoiAlign 10 T1 T1 int64 > T1 : T1=fhd
RoiAlign 22 T1 T1 int64 > T1 : T1=fhbd
RotaryEmbedding 23 T T T int64 > T : T=fhb
Round 11 T > T : T=fhd
Round 22 T > T : T=fhbd
STFT 17 T1 T2 T1 T2 > T1 : T1=fhbd T2=-
Scan 8 int64 ?* > ?* : V=fhd
Scan 9 ?* > ?* : V=fhd
Scan 16 ?* > ?* : V=fhbd
Scatter 9 T Tind T > T : T=fhd Tind=-
ScatterElements 11 T Tind T > T : T=fhd Tind=-
ScatterElements 13 T Tind T > T : T=fhbd Tind=-
ScatterND 11 T int64 T > T : T=fhd
ScatterND 13 T int64 T > T : T=fhbd
Selu 6 T > T : T=fhd
Selu 22 T > T : T=fhbd
SequenceAt 11 ? I > ? : I=-
SequenceConstruct 11 T* > ? : T=fhd
SequenceEmpty 11 > ? :
SequenceErase 11 ? I > ? : I=-
SequenceInsert 11 ? T I > ? : I=- T=fhd
SequenceLength 11 ? > int64 :
SequenceMap 17 ? ?* > ?* : V=fhd
Shape 1 T > int64 : T=fhd
Shape 13 T > int64 : T=fhbd
Shrink 9 T > T : T=fhd
Sigmoid 6 T > T : T=fhd
Sigmoid 13 T > T : T=fhbd
Sign 9 T > T : T=fhd
Sign 13 T > T : T=fhbd
Sin 7 T > T : T=fhd
Sin 22 T > T : T=fhbd
Sinh 9 T > T : T=fhd
Sinh 22 T > T : T=fhbd
Size 1 T > int64 : T=fhd
Size 13 T > int64 : T=fhbd
Slice 1 T > T : T=fhd
Slice 10 T Tind Tind Tind Tind > T : T=fhd Tind=-
Slice 13 T Tind Tind Tind Tind > T : T=fhbd Tind=-
Softmax 1 T > T : T=fhd
Softmax 13 T > T : T=fhbd
SoftmaxCrossEntropyLoss 12 T Tind T > T T : T=fhd Tind=-
SoftmaxCrossEntropyLoss 13 T Tind T > T T : T=fhbd Tind=-
Softplus 1 T > T : T=fhd
Softplus 22 T > T : T=fhbd
Softsign 1 T > T : T=fhd
Softsign 22 T > T : T=fhbd
SpaceToDepth 1 T > T : T=fhd
SpaceToDepth 13 T > T : T=fhbd
Split 2 T > T* : T=fhd
Split 13 T int64 > T* : T=fhbd
SplitToSequence 11 T I > ? : I=- T=fhd
SplitToSequence 24 T I > ? : I=- T=fhbd
Sqrt 6 T > T : T=fhd
Sqrt 13 T > T : T=fhbd
Squeeze 1 T > T : T=fhd
Squeeze 13 T int64 > T : T=fhbd
StringConcat 20 string string > string :
StringNormalizer 10 string > string :
StringSplit 20 string > string int64 :
Sub 7 T T > T : T=fhd
Sub 13 T T > T : T=fhbd
Sum 6 T* > T : T=fhd
Sum 13 T* > T : T=fhbd
SwiGLU 28 T T > T : T=fhbd
Swish 24 T > T : T=fhbd
Tan 7 T > T : T=fhd
Tan 22 T > T : T=fhbd
Tanh 6 T > T : T=fhd
Tanh 13 T > T : T=fhbd
TensorScatter 24 T T int64 > T : T=fhbd
TfIdfVectorizer 9 T > float32 : T=-
ThresholdedRelu 10 T > T : T=fhd
ThresholdedRelu 22 T > T : T=fhbd
Tile 6 T int64 > T : T=fhd
Tile 13 T int64 > T : T=fhbd
TopK 1 T > T int64 : T=fhd
TopK 10 T int64 > T int64 : T=fhd
TopK 24 T int64 > T int64 : T=fhbd
Transpose 1 T > T : T=fhd
Transpose 13 T > T : T=fhbd
Trilu 14 T int64 > T : T=fhbd
Unique 11 T > T int64 int64 int64 : T=fhd
Unique 28 T > T int64 int64 int64 : T=fhbd
Unsqueeze 1 T > T : T=fhd
Unsqueeze 13 T int64 > T : T=fhbd
Upsample 7 T > T : T=fhd
Upsample 9 T float32 > T : T=fhd
Where 9 bool T T > T : T=fhd
Where 16 bool T T > T : T=fhbd
Xor 7 bool bool > bool :
`,
  'ai.onnx.ml': `
ArrayFeatureExtractor 1 T int64 > T : T=fd
Binarizer 1 T > T : T=fd
CastMap 1 ? > ? :
CategoryMapper 1 T1 > ? : T1=-
DictVectorizer 1 ? > ? :
FeatureVectorizer 1 T1* > float32 : T1=fd
Imputer 1 T > T : T=fd
LabelEncoder 4 T1 > ? : T1=fd
LinearClassifier 1 T1 > ? float32 : T1=fd
LinearRegressor 1 T > float32 : T=fd
Normalizer 1 T > float32 : T=fd
OneHotEncoder 1 T > float32 : T=fd
SVMClassifier 1 T1 > ? float32 : T1=fd
SVMRegressor 1 T > float32 : T=fd
Scaler 1 T > float32 : T=fd
TreeEnsemble 5 T > T : T=fhd
ZipMap 1 float32 > ? :
`,
  'com.microsoft': `
Attention 1 T T T int32 T T int32 > T T : T=fhb
AttnLSTM 1 T T T T int32 T T T T T T T int32 T > T T T : T=fd
BeamSearch 1 F int32 int32 int32 int32 T T int32 int32 int32 int32 int32 > int32 T T : F=fh T=fh
BiasAdd 1 T T T > T : T=fh
BiasDropout 1 T T T T1 bool > T bool : T=fhbd T1=fhbd
BiasGelu 1 T T > T : T=fhbd
BiasSoftmax 1 T T > T : T=fhd
BiasSplitGelu 1 T T > T : T=fh
BifurcationDetector 1 int64 int64 int64 int64 > int64 int64 :
BitmaskBiasDropout 1 T T T T1 bool > T uint32 : T=fhbd T1=fhbd
BitmaskDropout 1 T T1 bool > T uint32 : T=fhbd T1=fhbd
BranchwiseRMSNorm 1 T M > T : M=fhb T=fhb
CDist 1 T T > T : T=fd
CausalConvWithState 1 T T T T > T T T : T=fhb
ComplexMul 1 T T > T : T=fhd
ComplexMulConj 1 T T > T : T=fhd
ConvStateReplay 1 T T T int64 > T : T=fh
ConvTransposeWithDynamicPads 1 T T int64 T > T : T=fhd
CropAndResize 1 T1 T1 int32 int32 > T1 : T1=fhd
DecoderAttention 1 T T T T T bool T T bool bool bool bool > T T T : T=fh
DecoderMaskedMultiHeadAttention 1 T T T int32 T T T int32 int32 int32 T > T T T ? : T=fh
DecoderMaskedSelfAttention 1 T T T int32 T T int32 int32 int32 > T T : T=fh
DequantizeBFP 1 uint8 int64 int64 > ? :
DequantizeLinear 1 T1 T2 T1 > T2 : T1=- T2=fh
DequantizeWithOrder 1 int8 float32 > ? :
DynamicQuantizeLSTM 1 float32 T2 T2 float32 int32 float32 float32 float32 float32 T2 float32 T2 > float32 float32 float32 : T2=-
DynamicQuantizeMatMul 1 float32 T2 float32 T2 float32 > float32 : T2=-
DynamicSparseAttention 1 TQuery TQuery TValue TCache TCache T T int32 int32 int32 int32 T T int64 T T T int32 float32 float32 > T TCache TCache int32 : T=fhb TCache=fhb TQuery=fhb TValue=fhb
DynamicTimeWarping 1 float32 > int32 :
EPContext 1 ?* > ?* : T=fhbd
EmbedLayerNormalization 1 int32 int32 T T T T T int32 int32 > T int32 T : T=fh
EngramGate 1 T T T T T T > T T : T=fhb
ExpandDims 1 T int32 > T : T=fhd
FastGelu 1 T T > T : T=fhbd
FusedConv 1 T T T T > T : T=fhd
FusedGemm 1 T T T > T : T=fhd
FusedMatMul 1 T T > T : T=fhbd
FusedMatMulActivation 1 T T > T : T=fhbd
GatedAdd 1 T T T T > T : T=fhb
GatedDeltaNet 1 T T T int32 TG TG float32 float32 float32 int32 int32 > T float32 float32 : T=fhb TG=fhb
GatedDeltaNetStateReplay 1 float32 float32 float32 int64 > float32 :
GatedRMSNorm 1 T T T > T : T=fhb
GatedRelativePositionBias 1 T T T T T T int32 > T : T=fh
GatherBlockQuantized 1 T1 Tind T2 T1 > T2 : T1=- T2=fhb Tind=-
GatherND 1 T Tind > T : T=fhd Tind=-
GatherPacked 1 uint8 Tind > ? : Tind=-
Gelu 1 T > T : T=fhbd
GemmFastGelu 1 T T T > T : T=fhb
GemmFloat8 1 TA TB TC float32 float32 float32 > ? : TA=fhb TB=fhb TC=fhb
GemmaRotaryEmbedding 1 float32 float16 float16 float16 float16 > float16 float16 :
GreedySearch 1 int32 int32 int32 float32 int32 int32 int32 > int32 :
GridSample 1 T1 T1 > ? : T1=fhd
GroupNorm 1 T M M > T : M=fh T=fh
GroupQueryAttention 1 T T T T_CACHE T_CACHE int32 int32 T T int64 T T float32 float32 T T int32 > T T_CACHE T_CACHE T : T=fhb T_CACHE=fhb
HyperConnectionLowRankMix 1 T T T T T T T > T T T : T=fhb
HyperConnectionPostMix 1 T T M M > T : M=fhb T=fhb
HyperConnectionPreMix 1 T M > T : M=fhb T=fhb
Inverse 1 T > T : T=fhd
Irfft 1 T > T : T=fhd
IsAllFinite 1 V* > bool : V=fhbd
LinearAttention 1 T T T S T T > T S : S=fhb T=fhb
LinearAttentionGate 1 T float32 float32 T > T T : T=fhb
LongformerAttention 1 T T T T T T int32 > T : T=fh
MRotaryEmbedding 1 T int64 T T > T : T=fhb
Mamba2Verify 1 bfloat16 bfloat16 float32 bfloat16 bfloat16 float32 float32 float32 float32 int32 > bfloat16 bfloat16 float32 bfloat16 float32 :
MatMulBlockQuantizedFp4Weight 1 T uint8 uint8 float32 float32 T > T : T=hb
MatMulBlockQuantizedFp8Weight 1 T float8e4m3fn float32 float32 T > T : T=hb
MatMulBnb4 1 T1 uint8 T1 > T1 : T1=fhb
MatMulFpQ4 1 float32 uint8 int64 > float32 :
MatMulInteger16 1 T1 T2 > ? : T1=- T2=-
MatMulIntegerToFloat 1 T1 T2 T3 T3 T1 T2 T3 > T3 : T1=- T2=- T3=fh
MatMulNBits 1 T1 uint8 T1 T3 int32 T1 > T1 : T1=fhb T3=fhb
MatMulNBitsMlp 1 T1 T1 T1 uint8 T1 T1 uint8 T1 T1 > T1 T1 : T1=fhb
MatMulNBitsQLoRA 1 T uint8 T uint8 T uint8 T > T : T=fh
MatMulNBitsQkv 1 T1 T1 T1 uint8 T1 T1 uint8 T1 T1 uint8 T1 T1 > T1 T1 T1 T1 : T1=fhb
MatMulPacked 1 T1 uint8 float32 > T1 : T1=hb
MaxpoolWithMask 1 float32 int32 > float32 :
MoE 1 T T T T T T T T > T : T=fhb
MoEGroupRouter 1 T float32 T > T float32 float32 : T=fhb
MoEPacked 1 T TR uint8 uint8 uint8 TR > T : T=hb TR=fhb
MulInteger 1 T T T T > int32 : T=-
MultiHeadAttention 1 T T T T int32 T T T int32 int32 > T T T ? : T=fhb
MurmurHash3 1 T1 > ? : T1=fd
NGramHashMapping 1 M M M M M M int32 > M M : M=-
NGramRepeatBlock 1 int64 float32 > float32 :
NhwcConv 1 T T T > T : T=fhd
NhwcFusedConv 1 T T T T > T : T=fh
NhwcMaxPool 1 T > T : T=-
PackedAttention 1 T T T int32 int32 T > T : T=fh
PackedMultiHeadAttention 1 T T T T int32 int32 T > T : T=fh
PackedSparseAttentionIndexer 1 T T T T T T int32 int32 T T T int64 T_KEY T T int32 int32 int32 int32 int32 int32 int32 > int32 int32 T_KEY T T int32 T int32 int32 : T=fhb T_KEY=fhb
PackedSparseAttentionIndexerMerge 1 int32 int32 int32 int32 int32 int32 int32 > int32 int32 int32 :
Pad 1 T int64 T > T : T=fhd
PagedAttention 1 T T T T_CACHE T_CACHE int32 int32 int32 T T int32 T T T float32 float32 int32 > T T_CACHE T_CACHE : T=hb T_CACHE=hb
QAttention 1 T1 T2 T3 T3 T3 int32 T1 T2 T3 > T3 T3 : T1=- T2=- T3=fh
QEmbedLayerNormalization 1 int32 int32 T2 T2 T2 T2 T2 int32 float32 float32 float32 float32 float32 T2 T2 T2 T2 T2 > float32 int32 : T2=-
QGemm 1 TA float32 TA TB float32 TB int32 float32 TYZ > ? : TA=- TB=- TYZ=-
QLinearAdd 1 T float32 T T float32 T float32 T > T : T=-
QLinearAveragePool 1 T float32 T float32 T > T : T=-
QLinearConcat 1 float32 T8 ?* > T8 : T8=- TV=f
QLinearConv 1 T1 float32 T1 T2 float32 T2 float32 T3 int32 > T3 : T1=- T2=- T3=-
QLinearGlobalAveragePool 1 T float32 T float32 T > T : T=-
QLinearLeakyRelu 1 T float32 T float32 T > T : T=-
QLinearMul 1 T float32 T T float32 T float32 T > T : T=-
QLinearReduceMean 1 T float32 T float32 T > T : T=-
QLinearSigmoid 1 T float32 T float32 T > T : T=-
QLinearSoftmax 1 T float32 T float32 T > T : T=-
QLinearWhere 1 bool T float32 T T float32 T float32 T > T : T=-
QMoE 1 T T T1 T2 T T1 T2 T T1 T2 T T1 T1 T1 T float32 float32 float32 float32 T2 T2 > T : T=fhb T1=- T2=fhb
QOrderedAttention 1 int8 float32 float32 float32 float32 int8 int8 int8 float32 float32 float32 float32 float32 float32 float32 float32 float32 int32 int8 float32 > int8 :
QOrderedGelu 1 int8 float32 float32 > int8 :
QOrderedLayerNormalization 1 int8 float32 F F float32 > int8 : F=fh
QOrderedLongformerAttention 1 int8 float32 int8 float32 float32 float32 float32 float16 int8 float32 float32 float32 int32 float32 > int8 :
QOrderedMatMul 1 int8 float32 int8 float32 float32 float32 int8 float32 > int8 :
QuantizeBFP 1 T1 > uint8 int64 int64 : T1=fhb
QuantizeLinear 1 T1 T1 T2 > T2|@output_dtype|uint8 : T1=fh T2=-
QuantizeWithOrder 1 F float32 > int8 : F=fh
QuickGelu 1 T > T : T=fhbd
RMSNormRotary 1 T float32 int64 TCos TCos int32 > ? float32 : T=hb TCos=fb
Range 1 T T T > T : T=fd
ReduceSumInteger 1 T1 > ? : T1=-
RelativePositionBias 1 T int64 int64 > T : T=fh
RemovePadding 1 T int32 > T int32 int32 int32 : T=fh
RestorePadding 1 T int32 > T : T=fh
Rfft 1 T > T : T=fhd
RotaryEmbedding 1 T int64 T T > T : T=fhb
RouterGateUpProj 1 T T > T T : T=hb
SampleOp 1 T > T : T=fhd
Sampling 1 int32 int32 int32 float32 int32 int32 int32 int32 int32 > int32 float32 :
ScaledSiLU 1 T M > T : M=fhb T=fhb
SkipGroupNorm 1 T M M T T > T T : M=fh T=fh
SkipLayerNormalization 1 T T T T T > T float32 float32 T : T=fhb
SkipSimplifiedLayerNormalization 1 T T T T > T float32 float32 T : T=fhb
Snpe 1 T* > T* : T=f
SparseAttention 1 T T T T T int32 int32 int32 int32 T T > T T T : T=fhb
SparseAttentionIndexer 1 T T T T T T int64 T T T T int64 int32 T > int32 T T : T=fhb
SparsePagedAttention 1 T T T T_CACHE T_CACHE int32 int32 int32 int32 int32 int32 T T int32 T T T T T float32 float32 int32 > T T_CACHE T_CACHE : T=hb T_CACHE=hb
SparseToDenseMatMul 1 ? T1 > T1 : T1=fd
SpeculativePrefixCommit 1 int64 int64 int32 int64 int64 int64 int64 > int32 int64 int64 :
SwiGLU 1 T T > T : T=fhb
Tokenizer 1 string > string :
TorchEmbedding 1 T int64 int64 bool > T : T=fhbd
TransposeMatMul 1 T T > T : T=fhbd
Trilu 1 T int64 > T : T=fhbd
UnfoldTensor 1 T > T : T=fhbd
Unique 1 T > T int64 int64 : T=fhd
VarlenCausalConvWithState 1 T T int32 T T int32 T T > T T T : T=fhb
VarlenNGramHashMapping 1 M M M int32 M M M int32 int32 int32 > M M int32 M : M=-
WhisperBeamSearch 1 F int32 int32 int32 int32 T T int32 int32 int32 int32 int32 int32 int32 T > int32 T T float32 T : F=fh T=fh
WordConvEmbedding 1 int32 float32 float32 float32 > float32 :
`,
};
