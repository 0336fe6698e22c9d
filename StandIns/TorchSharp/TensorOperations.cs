using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);

        public static Tensor operator +(Tensor left, Scalar right) => left.add(right);

        public static Tensor operator +(Scalar left, Tensor right) => right.add(left);

        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);

        public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);

        public static Tensor operator -(Scalar left, Tensor right) => Operators.Sub.Call(left, right);

        public static Tensor operator -(Tensor tensor) => tensor.neg();

        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);

        public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);

        public static Tensor operator *(Scalar left, Tensor right) => right.mul(left);

        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);

        public static Tensor operator /(Tensor left, Scalar right) => left.div(right);

        public Tensor T => Operators.T.Call(this);

        public Tensor abs() => Operators.Abs.Call(this);

        public Tensor add(Tensor target) => Operators.Add.Call(this, target);

        public Tensor add(Tensor target, Scalar alpha) => Operators.Add.Call(this, target, alpha);

        public Tensor add(Scalar scalar) => Operators.Add.Call(this, scalar);

        public Tensor add_(Tensor target) => Operators.AddInPlace.CallInPlace(this, target);

        public Tensor add_(Tensor target, Scalar alpha) => Operators.AddInPlace.CallInPlace(this, target, alpha);

        public Tensor add_(Scalar scalar) => Operators.AddInPlace.CallInPlace(this, scalar);

        public Tensor sub(Tensor target) => Operators.Sub.Call(this, target);

        public Tensor sub(Scalar target) => Operators.Sub.Call(this, target);

        public Tensor sub_(Tensor target) => Operators.SubInPlace.CallInPlace(this, target);

        public Tensor mul(Tensor target) => Operators.Mul.Call(this, target);

        public Tensor mul(Scalar target) => Operators.Mul.Call(this, target);

        public Tensor mul_(Tensor target) => Operators.MulInPlace.CallInPlace(this, target);

        public Tensor mul_(Scalar target) => Operators.MulInPlace.CallInPlace(this, target);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => WithoutRounding(rounding_mode, Operators.Div).Call(this, target);

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => WithoutRounding(rounding_mode, Operators.Div).Call(this, target);

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => WithoutRounding(rounding_mode, Operators.DivInPlace).CallInPlace(this, target);

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            WithoutRounding(rounding_mode, Operators.DivInPlace).CallInPlace(this, target);

        private static Operator WithoutRounding(RoundingMode mode, Operator division) =>
            mode == RoundingMode.None ? division : throw new NotSupportedException("The stand-in divides without rounding only.");

        public Tensor neg() => Operators.Neg.Call(this);

        public Tensor neg_() => Operators.NegInPlace.CallInPlace(this);

        public Tensor exp() => Operators.Exp.Call(this);

        public Tensor log() => Operators.Log.Call(this);

        public Tensor log_() => Operators.LogInPlace.CallInPlace(this);

        public Tensor sqrt() => Operators.Sqrt.Call(this);

        public Tensor square() => Operators.Square.Call(this);

        public Tensor reciprocal() => Operators.Reciprocal.Call(this);

        public Tensor pow(Scalar exponent) => Operators.PowScalar.Call(this, exponent);

        public Tensor sigmoid() => Operators.Sigmoid.Call(this);

        public Tensor tanh() => Operators.Tanh.Call(this);

        public Tensor relu() => Operators.Relu.Call(this);

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Operators.AddcmulInPlace.CallInPlace(this, tensor1, tensor2, value);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Operators.AddcdivInPlace.CallInPlace(this, tensor1, tensor2, value);

        public Tensor sum(ScalarType? type = null) => Operators.Sum.Call(this, type);

        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => Operators.SumDims.Call(this, new[] { dim }, keepdim, type);

        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => Operators.SumDims.Call(this, dim, keepdim, type);

        public Tensor mean() => Operators.Mean.Call(this);

        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Operators.MeanDims.Call(this, dimensions, keepdim, type);

        public Tensor max() => Operators.Max.Call(this);

        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Pair(Operators.MaxDim.CallMany(2, this, dim, keepdim));

        public Tensor min() => Operators.Min.Call(this);

        public Tensor amax(params long[] dims) => Operators.Amax.Call(this, dims);

        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) =>
            @out is null ? Operators.Amax.Call(this, dims, keepdim) : throw new NotSupportedException("The stand-in's amax has no out.");

        public Tensor maximum(Tensor other) => Operators.Maximum.Call(this, other);

        public Tensor argmax(long dim, bool keepdim = false) => Operators.ArgMax.Call(this, dim, keepdim);

        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Operators.Clamp.Call(this, min, max);

        public Tensor clamp_min(Scalar min) => Operators.ClampMin.Call(this, min);

        public Tensor all() => Operators.All.Call(this);

        public Tensor any() => Operators.Any.Call(this);

        public Tensor isfinite() => Operators.IsFinite.Call(this);

        public Tensor norm(float p = 2) => Operators.Norm.Call(this, (double)p);

        public Tensor var(bool unbiased = true) => Operators.Var.Call(this, unbiased);

        public Tensor std(bool unbiased = true) => Operators.Std.Call(this, unbiased);

        public Tensor cumsum(long dim, ScalarType? type = null) => Operators.CumSum.Call(this, dim, type);

        public Tensor logsumexp(long dim, bool keepdim = false) => Operators.LogSumExp.Call(this, new[] { dim }, keepdim);

        public Tensor softmax(long dim, ScalarType? dtype = null) => Operators.Softmax.Call(this, dim, dtype);

        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Operators.LogSoftmax.Call(this, dim, dtype);

        public Tensor matmul(Tensor target) => Operators.MatMul.Call(this, target);

        public Tensor mm(Tensor target) => Operators.Mm.Call(this, target);

        public Tensor bmm(Tensor batch2) => Operators.Bmm.Call(this, batch2);

        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Operators.Addmm.Call(this, mat1, mat2, (double)beta, (double)alpha);

        public Tensor t() => Operators.T.Call(this);

        public Tensor transpose(long dim0, long dim1) => Operators.Transpose.Call(this, dim0, dim1);

        public Tensor permute(params long[] permutation) => Operators.Permute.Call(this, permutation);

        public Tensor reshape(params long[] shape) => Operators.Reshape.Call(this, shape);

        public Tensor view(params long[] shape) => Operators.View.Call(this, shape);

        public Tensor unsqueeze(long dim) => Operators.Unsqueeze.Call(this, dim);

        public Tensor squeeze(long? dim = null) => dim is null ? Operators.Squeeze.Call(this) : Operators.SqueezeDim.Call(this, dim.Value);

        public Tensor expand(params long[] sizes) => Operators.Expand.Call(this, sizes);

        public Tensor repeat(params long[] sizes) => Operators.Repeat.Call(this, sizes);

        public Tensor narrow(long dim, long start, long length) => Operators.Narrow.Call(this, dim, start, length);

        public Tensor select(long dim, long index) => Operators.Select.Call(this, dim, index);

        public Tensor flip(params long[] dims) => Operators.Flip.Call(this, dims);

        public Tensor index_select(long dim, Tensor index) => Operators.IndexSelect.Call(this, dim, index);

        public Tensor gather(long dim, Tensor index) => Operators.Gather.Call(this, dim, index);

        public Tensor masked_select(Tensor mask) => Operators.MaskedSelect.Call(this, mask);

        public Tensor scatter(long dim, Tensor index, Tensor src) => Operators.Scatter.Call(this, dim, index, src);

        public Tensor scatter_(long dim, Tensor index, Tensor src) => Operators.ScatterInPlace.CallInPlace(this, dim, index, src);

        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Operators.ScatterAddInPlace.CallInPlace(this, dim, index, src);

        public Tensor clone() => Operators.Clone.Call(this);

        public Tensor detach() => Operators.Detach.Call(this);

        public Tensor contiguous() => Operators.Contiguous.Call(this);

        public Tensor alias() => Operators.Alias.Call(this);

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Moved(Operators.ToDtype.Call(this, type, non_blocking, copy), disposeAfter);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(type, copy, disposeAfter, non_blocking);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(dtype, device, copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Moved(Operators.ToDevice.Call(this, device, type, non_blocking, copy), disposeAfter);

        private Tensor Moved(Tensor result, bool disposeAfter)
        {
            if (disposeAfter)
            {
                Dispose();
            }

            return result;
        }

        public Tensor cpu() => to(CPU);

        public Tensor copy_(Tensor source, bool nonBlocking = false) => Operators.CopyInPlace.CallInPlace(this, source, nonBlocking);

        public Tensor zero_() => Operators.ZeroInPlace.CallInPlace(this);

        public Tensor fill_(Scalar value) => Operators.FillInPlace.CallInPlace(this, value);

        public Tensor uniform_(double from, double to, Generator? generator = null) => Operators.UniformInPlace.CallInPlace(this, from, to, generator);

        public Tensor normal_(double mean = 0, double std = 1, Generator? generator = null) => Operators.NormalInPlace.CallInPlace(this, mean, std, generator);

        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Operators.BernoulliInPlace.CallInPlace(this, p, generator);

        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) =>
            Operators.Multinomial.Call(this, num_samples, replacement, generator);

        public Tensor eq(Tensor target) => Operators.Eq.Call(this, target);

        public Tensor eq(Scalar target) => Operators.EqScalar.Call(this, target);

        public Tensor ne(Tensor target) => Operators.Ne.Call(this, target);

        public Tensor ne(Scalar target) => Operators.NeScalar.Call(this, target);

        public Tensor lt(Scalar target) => Operators.LtScalar.Call(this, target);

        public Tensor le(Scalar target) => Operators.LeScalar.Call(this, target);

        public Tensor gt(Scalar target) => Operators.GtScalar.Call(this, target);

        public Tensor ge(Scalar target) => Operators.GeScalar.Call(this, target);

        public Tensor logical_and(Tensor other) => Operators.LogicalAnd.Call(this, other);

        public Tensor logical_or(Tensor other) => Operators.LogicalOr.Call(this, other);

        public Tensor logical_not() => Operators.LogicalNot.Call(this);

        public Tensor masked_fill(Tensor mask, Scalar value) => Operators.MaskedFill.Call(this, mask, value);

        public Tensor masked_fill_(Tensor mask, Scalar value) => Operators.MaskedFillInPlace.CallInPlace(this, mask, value);

        public Tensor where(Tensor condition, Tensor y) => Operators.Where.Call(condition, this, y);

        public Tensor[] chunk(long chunks, long dim = 0) => Operators.Chunk.CallMany(chunks, this, chunks, dim);

        public Tensor[] split(long size, int dim = 0) => Operators.Split.CallMany(this.size(dim) / Math.Max(1, size) + 1, this, size, dim);

        public Tensor[] unbind(long dimension = 0) => Operators.Unbind.CallMany(size((int)dimension), this, dimension);

        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => Pair(Operators.TopK.CallMany(2, this, k, dim, largest, sorted));

        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false) => Pair(Operators.Sort.CallMany(2, this, dim, descending));

        public Tensor zeros_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Operators.ZerosLike.Call(this, dtype, Argument.None, device).requires_grad_(requires_grad);

        public Tensor ones_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Operators.OnesLike.Call(this, dtype, Argument.None, device).requires_grad_(requires_grad);

        public Tensor empty_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Operators.EmptyLike.Call(this, dtype, Argument.None, device).requires_grad_(requires_grad);

        private static (Tensor, Tensor) Pair(Tensor[] tensors) => (tensors[0], tensors[1]);
    }
}
