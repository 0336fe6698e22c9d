using TorchSharp.Native;

namespace TorchSharp;

/// <summary>The ATen operators that the subset calls, each found on first use.</summary>
internal static class Operators
{
    internal static readonly Operator Slice = new("aten::slice", "Tensor");
    internal static readonly Operator Abs = new("aten::abs");
    // A number as the second operand crosses as a wrapped number: the same result as the Scalar overloads give, one dispatch sooner.
    internal static readonly Operator Add = new("aten::add", "Tensor"), AddInPlace = new("aten::add_", "Tensor");
    internal static readonly Operator Sub = new("aten::sub", "Tensor"), SubInPlace = new("aten::sub_", "Tensor");
    internal static readonly Operator Mul = new("aten::mul", "Tensor"), MulInPlace = new("aten::mul_", "Tensor");
    internal static readonly Operator Div = new("aten::div", "Tensor"), DivInPlace = new("aten::div_", "Tensor");
    internal static readonly Operator Neg = new("aten::neg"), Exp = new("aten::exp"), Log = new("aten::log"), Sqrt = new("aten::sqrt");
    internal static readonly Operator LogInPlace = new("aten::log_"), NegInPlace = new("aten::neg_"), Square = new("aten::square");
    internal static readonly Operator Reciprocal = new("aten::reciprocal");
    internal static readonly Operator Sigmoid = new("aten::sigmoid"), Tanh = new("aten::tanh"), Relu = new("aten::relu"), LeakyRelu = new("aten::leaky_relu");
    internal static readonly Operator Softplus = new("aten::softplus"), LogSigmoid = new("aten::log_sigmoid");
    internal static readonly Operator PowScalar = new("aten::pow", "Tensor_Scalar"), AddcmulInPlace = new("aten::addcmul_"), AddcdivInPlace = new("aten::addcdiv_");
    internal static readonly Operator Sum = new("aten::sum"), SumDims = new("aten::sum", "dim_IntList");
    internal static readonly Operator Mean = new("aten::mean"), MeanDims = new("aten::mean", "dim");
    internal static readonly Operator Max = new("aten::max"), MaxDim = new("aten::max", "dim"), Min = new("aten::min"), Amax = new("aten::amax");
    internal static readonly Operator Maximum = new("aten::maximum"), ArgMax = new("aten::argmax"), ClampMin = new("aten::clamp_min"), Clamp = new("aten::clamp");
    internal static readonly Operator All = new("aten::all"), Any = new("aten::any"), IsFinite = new("aten::isfinite"), Norm = new("aten::norm", "Scalar");
    internal static readonly Operator Var = new("aten::var"), Std = new("aten::std"), CumSum = new("aten::cumsum"), LogSumExp = new("aten::logsumexp");
    internal static readonly Operator Softmax = new("aten::softmax", "int"), LogSoftmax = new("aten::log_softmax", "int");
    internal static readonly Operator MatMul = new("aten::matmul"), Mm = new("aten::mm"), Bmm = new("aten::bmm"), Addmm = new("aten::addmm"), Linear = new("aten::linear");
    internal static readonly Operator Embedding = new("aten::embedding"), LstmCell = new("aten::lstm_cell"), Conv1d = new("aten::conv1d");
    internal static readonly Operator CrossEntropy = new("aten::cross_entropy_loss"), NllLoss = new("aten::nll_loss"), OneHot = new("aten::one_hot");
    internal static readonly Operator BinaryCrossEntropyWithLogits = new("aten::binary_cross_entropy_with_logits");
    internal static readonly Operator Transpose = new("aten::transpose", "int"), T = new("aten::t"), Reshape = new("aten::reshape"), View = new("aten::view");
    internal static readonly Operator Unsqueeze = new("aten::unsqueeze"), Squeeze = new("aten::squeeze"), SqueezeDim = new("aten::squeeze", "dim");
    internal static readonly Operator Expand = new("aten::expand"), Narrow = new("aten::narrow"), Select = new("aten::select", "int"), Permute = new("aten::permute");
    internal static readonly Operator IndexSelect = new("aten::index_select"), Gather = new("aten::gather"), MaskedSelect = new("aten::masked_select");
    internal static readonly Operator ScatterInPlace = new("aten::scatter_", "src"), ScatterAddInPlace = new("aten::scatter_add_"), Scatter = new("aten::scatter", "src");
    internal static readonly Operator Clone = new("aten::clone"), Detach = new("aten::detach"), Contiguous = new("aten::contiguous"), Alias = new("aten::alias");
    internal static readonly Operator ToDtype = new("aten::to", "dtype"), ToDevice = new("aten::to", "device"), CopyInPlace = new("aten::copy_");
    internal static readonly Operator ZeroInPlace = new("aten::zero_"), FillInPlace = new("aten::fill_", "Scalar");
    internal static readonly Operator UniformInPlace = new("aten::uniform_"), NormalInPlace = new("aten::normal_"), BernoulliInPlace = new("aten::bernoulli_", "float");
    internal static readonly Operator Multinomial = new("aten::multinomial");
    internal static readonly Operator Eq = new("aten::eq", "Tensor"), EqScalar = new("aten::eq", "Scalar"), NeScalar = new("aten::ne", "Scalar"), Ne = new("aten::ne", "Tensor");
    internal static readonly Operator LtScalar = new("aten::lt", "Scalar"), LeScalar = new("aten::le", "Scalar"), GtScalar = new("aten::gt", "Scalar"), GeScalar = new("aten::ge", "Scalar");
    internal static readonly Operator LogicalAnd = new("aten::logical_and"), LogicalOr = new("aten::logical_or"), LogicalNot = new("aten::logical_not");
    internal static readonly Operator MaskedFill = new("aten::masked_fill", "Scalar"), MaskedFillInPlace = new("aten::masked_fill_", "Scalar"), Where = new("aten::where", "self");
    internal static readonly Operator Chunk = new("aten::chunk"), Split = new("aten::split", "Tensor"), Unbind = new("aten::unbind", "int");
    internal static readonly Operator Cat = new("aten::cat"), Stack = new("aten::stack"), Repeat = new("aten::repeat"), Flip = new("aten::flip"), TopK = new("aten::topk");
    internal static readonly Operator Empty = new("aten::empty", "memory_format"), Zeros = new("aten::zeros"), Ones = new("aten::ones"), Full = new("aten::full");
    internal static readonly Operator Rand = new("aten::rand"), Randn = new("aten::randn"), ArangeStep = new("aten::arange", "start_step"), Eye = new("aten::eye", "m");
    internal static readonly Operator ZerosLike = new("aten::zeros_like"), OnesLike = new("aten::ones_like"), EmptyLike = new("aten::empty_like");
    internal static readonly Operator Sort = new("aten::sort");
}
