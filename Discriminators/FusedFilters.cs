using System.Runtime.InteropServices;
using GumbelGan.Engine;
using GumbelGan.Kernels;
using TorchSharp;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Filters batches of embedded sequences on the CPU, each batch one graph node: convolutions of several widths, rectifier, maximum over time.
/// It computes what the composed steps of <see cref="CnnDiscriminator"/> define. Its gradient has no gradient of its own; where that is wanted, the
/// gradient of the scores is asked for as a value, <see cref="Gradient"/>.
/// </summary>
/// <remarks>B batch, T time, E embedding, F filters a width, W widths. Memory is reused once a batch's backward pass is done.</remarks>
internal sealed unsafe class FusedFilters(int[] widths) : IDisposable
{
    private readonly RowParallel _parallel = RowParallel.Shared(get_num_threads());
    private readonly Stack<FilterMaxima> _idle = [];

    /// <summary>Each filter's largest response, rectified.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T] of float32: 1 for tokens, 0 for places that count as zero vectors.</param>
    /// <param name="weights">For each width [F, E, width].</param>
    /// <param name="biases">For each width [F].</param>
    /// <returns>[B, W * F].</returns>
    public Tensor Filter(Tensor embedded, Tensor mask, Tensor[] weights, Tensor[] biases)
    {
        int batch = (int)embedded.shape[0], time = (int)embedded.shape[1];
        bool learns = is_grad_enabled() && (embedded.requires_grad || weights[0].requires_grad);
        if (!learns && batch > RowBlocks.Rows)
        {
            return RowBlocks.Concatenate(embedded, mask, (rows, marks) => Filter(rows, marks, weights, biases));
        }

        bool[] marks = Marks(mask);
        FilterMaxima filters = Take(Lengths(marks, batch), time, (int)embedded.shape[2], (int)weights[0].shape[0]);
        if (learns)
        {
            return Node.apply([this, filters, marks, embedded, .. weights, .. biases]);
        }

        Tensor features = Forward(filters, embedded, marks, [.. weights, .. biases]);
        _idle.Push(filters);
        return features;
    }

    /// <summary>
    /// The gradient of the scores, features times <paramref name="output"/>, with respect to the embedded sequences: each filter, as often as its
    /// output weight says, at the place of its maximum. The places stay where they are under small changes, so it depends on filters and output
    /// weights alone, on each linearly: its own gradient adds up one window a feature, as <see cref="FilterMaxima.Backward"/> does.
    /// </summary>
    /// <param name="embedded">[B, T, E]; no gradient reaches it.</param>
    /// <param name="mask">[B, T] of float32.</param>
    /// <param name="weights">For each width [F, E, width].</param>
    /// <param name="biases">For each width [F].</param>
    /// <param name="output">[1, W * F].</param>
    /// <returns>[B, T, E].</returns>
    public Tensor Gradient(Tensor embedded, Tensor mask, Tensor[] weights, Tensor[] biases, Tensor output)
    {
        bool[] marks = Marks(mask);
        FilterMaxima filters = Take(Lengths(marks, (int)embedded.shape[0]), (int)embedded.shape[1], (int)embedded.shape[2], (int)weights[0].shape[0]);
        using (NewDisposeScope())
        {
            _ = Forward(filters, embedded, marks, [.. weights, .. biases]);
        }

        if (is_grad_enabled() && (output.requires_grad || weights[0].requires_grad))
        {
            return GradientNode.apply([this, filters, marks, embedded.shape, output, .. weights]);
        }

        Tensor gradient = InputGradient(filters, marks, embedded.shape, output);
        _idle.Push(filters);
        return gradient;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryPop(out FilterMaxima? filters))
        {
            filters.Dispose();
        }
    }

    private FilterMaxima Take(int[] lengths, int time, int embedding, int count)
    {
        if (!_idle.TryPop(out FilterMaxima? filters) || !filters.Fits(lengths.Length, time))
        {
            filters?.Dispose();
            filters = new FilterMaxima(_parallel, lengths.Length, time, embedding, count, widths);
        }

        filters.Begin(lengths, time);
        return filters;
    }

    // Up to the last place that is marked.
    private static int[] Lengths(bool[] marks, int batch)
    {
        int time = marks.Length / batch;
        return [.. Enumerable.Range(0, batch).Select(row => marks.AsSpan(row * time, time).LastIndexOf(true) + 1)];
    }

    private Tensor Forward(FilterMaxima filters, Tensor embedded, bool[] marks, Tensor[] parameters)
    {
        Tensor features = empty(filters.Batch, parameters[0].shape[0] * widths.Length); // [B, W * F]
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        int embedding = (int)embedded.shape[2];
        CopyMarked(Pointer(embedded.detach().contiguous()), marks, filters.Inputs, embedding);
        for (int i = 0; i < widths.Length; i++)
        {
            filters.Pack(i, Pointer(parameters[i]), Pointer(parameters[widths.Length + i]));
        }

        filters.Forward(Pointer(features));
        return features;
    }

    /// <summary>The gradients of the input and of the parameters, null where not wanted.</summary>
    private List<Tensor> Backward(FilterMaxima filters, Tensor gradient, bool[] marks, long[] inputShape, long[][]? parameterShapes)
    {
        Tensor outer = gradient.contiguous(); // [B, W * F]
        Tensor? inputs = inputShape.Length > 0 ? empty(inputShape) : null; // [B, T, E]
        Tensor[]? parameters = parameterShapes?.Select(shape => empty(shape)).ToArray();
        float*[]? weights = null, biases = null;
        for (int i = 0; parameters is not null && i < widths.Length; i++)
        {
            (weights ??= new float*[widths.Length])[i] = Pointer(parameters[i]);
            (biases ??= new float*[widths.Length])[i] = Pointer(parameters[widths.Length + i]);
        }

        filters.Backward(Pointer(outer), inputs is null ? null : Pointer(inputs), weights, biases);
        if (inputs is not null)
        {
            CopyMarked(Pointer(inputs), marks, Pointer(inputs), (int)inputShape[2]);
        }

        _idle.Push(filters);
        return [null!, null!, null!, inputs!, .. parameters ?? new Tensor[2 * widths.Length]];
    }

    private static Tensor InputGradient(FilterMaxima filters, bool[] marks, long[] shape, Tensor output)
    {
        Tensor inputs = empty(shape); // [B, T, E]
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        filters.Backward(Pointer(output.detach().expand(shape[0], output.shape[1]).contiguous()), Pointer(inputs), null, null);
        CopyMarked(Pointer(inputs), marks, Pointer(inputs), (int)shape[2]);
        return inputs;
    }

    /// <summary>The gradients of output and filter weights, given that with respect to <see cref="InputGradient"/>.</summary>
    private List<Tensor> SecondBackward(FilterMaxima filters, bool[] marks, Tensor gradient, Tensor output, Tensor[] weights)
    {
        // The windows of the outer gradient, each added up over the places where its feature's maximum is.
        Tensor outer = gradient.contiguous(), once = ones(filters.Batch, output.shape[1]); // [B, T, E], [B, W * F]
        Tensor[] windows = [.. weights.Select(weight => empty(weight.shape))]; // [F, E, width] each
        Tensor[] unused = [.. weights.Select(weight => empty(weight.shape[0]))];
        float*[] places = new float*[weights.Length], counts = new float*[weights.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            places[i] = Pointer(windows[i]);
            counts[i] = Pointer(unused[i]);
        }

        CopyMarked(Pointer(outer), marks, filters.Inputs, (int)outer.shape[2]);
        filters.Backward(Pointer(once), null, places, counts);
        _idle.Push(filters);
        Tensor[] shares = [.. output.detach().view(weights.Length, -1, 1, 1).unbind(0)]; // [F, 1, 1] each
        Tensor ofOutput = cat([.. windows.Zip(weights, (window, weight) => (window * weight.detach()).sum([1, 2]))], 0).view(output.shape);
        return [null!, null!, null!, null!, ofOutput, .. windows.Zip(shares, (window, share) => window * share)];
    }

    private static bool[] Marks(Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        return [.. MemoryMarshal.Cast<byte, float>(mask.detach().contiguous().bytes).ToArray().Select(mark => mark > 0.5f)];
    }

    /// <summary>Copies rows that are marked; the others become zeros.</summary>
    private static void CopyMarked(float* source, bool[] marks, float* destination, int width)
    {
        for (int row = 0; row < marks.Length; row++)
        {
            nint start = (nint)row * width;
            var target = new Span<float>(destination + start, width);
            if (marks[row])
            {
                new ReadOnlySpan<float>(source + start, width).CopyTo(target);
            }
            else
            {
                target.Clear();
            }
        }
    }

    /// <summary>The graph node of a gradient: arguments are the owner, the memory, the marks, the input's shape, output and filter weights.</summary>
    private sealed class GradientNode : FusedNode<GradientNode>
    {
        private const int FirstWeight = 5;
        private const string OwnerKey = "owner", FiltersKey = "filters", MarksKey = "marks";

        protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
        {
            context.save_data(OwnerKey, arguments[0]);
            context.save_data(FiltersKey, arguments[1]);
            context.save_data(MarksKey, arguments[2]);
            var output = (Tensor)arguments[4];
            context.save_for_backward([output, .. arguments[FirstWeight..].Cast<Tensor>()]);
            return InputGradient((FilterMaxima)arguments[1], (bool[])arguments[2], (long[])arguments[3], output);
        }

        protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor gradient)
        {
            List<Tensor> saved = context.get_saved_variables();
            return ((FusedFilters)context.get_data(OwnerKey)).SecondBackward(
                (FilterMaxima)context.get_data(FiltersKey), (bool[])context.get_data(MarksKey), gradient, saved[0], [.. saved[1..]]);
        }
    }

    /// <summary>The graph node: arguments are the owner, the memory, the marks, the input, the weights and the biases.</summary>
    private sealed class Node : FusedNode<Node>
    {
        private const int FirstParameter = 4;
        private const string OwnerKey = "owner", FiltersKey = "filters", MarksKey = "marks", InputKey = "input shape",
            ParametersKey = "parameter shapes";

        protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
        {
            (FusedFilters owner, FilterMaxima filters, bool[] marks, Tensor embedded) =
                ((FusedFilters)arguments[0], (FilterMaxima)arguments[1], (bool[])arguments[2], (Tensor)arguments[3]);
            Tensor[] parameters = [.. arguments[FirstParameter..].Cast<Tensor>()];
            context.save_data(OwnerKey, owner);
            context.save_data(FiltersKey, filters);
            context.save_data(MarksKey, marks);
            context.save_data(InputKey, embedded.requires_grad ? embedded.shape : Array.Empty<long>());
            context.save_data(ParametersKey,
                parameters[0].requires_grad ? parameters.Select(parameter => parameter.shape).ToArray() : Array.Empty<long[]>());
            return owner.Forward(filters, embedded, marks, parameters);
        }

        protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor gradient)
        {
            long[][] parameterShapes = (long[][])context.get_data(ParametersKey);
            return ((FusedFilters)context.get_data(OwnerKey)).Backward(
                (FilterMaxima)context.get_data(FiltersKey), gradient, (bool[])context.get_data(MarksKey), (long[])context.get_data(InputKey),
                    parameterShapes.Length > 0 ? parameterShapes : null);
        }
    }
}
