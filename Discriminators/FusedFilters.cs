using System.Runtime.InteropServices;
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
internal sealed unsafe class FusedFilters(int[] widths) : FusedPass<FilterMaxima>
{
    /// <summary>Each filter's largest response, rectified.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T] of float32: 1 for tokens, 0 for places that count as zero vectors.</param>
    /// <param name="weights">For each width [F, E, width].</param>
    /// <param name="biases">For each width [F].</param>
    /// <returns>[B, W * F].</returns>
    public Tensor Filter(Tensor embedded, Tensor mask, Tensor[] weights, Tensor[] biases)
    {
        Tensor[] parameters = [.. weights, .. biases];
        return InBlocks(embedded, mask, parameters, (rows, places) =>
        {
            (FilterMaxima filters, bool[] marks) = Begin(rows, places, weights);
            (long[] shape, bool ofInputs, bool ofWeights) = (rows.shape, rows.requires_grad, weights[0].requires_grad);
            return Apply(
                filters,
                () => Forward(filters, rows, marks, parameters),
                gradient => Backward(filters, gradient, marks, ofInputs ? shape : null, ofWeights ? parameters : null),
                [rows, .. parameters]);
        });
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
        (FilterMaxima filters, bool[] marks) = Begin(embedded, mask, weights);
        using (NewDisposeScope())
        {
            _ = Forward(filters, embedded, marks, [.. weights, .. biases]);
        }

        long[] shape = embedded.shape;
        return Apply(
            filters,
            () => InputGradient(filters, marks, shape, output),
            gradient => SecondBackward(filters, marks, gradient, output, weights),
            [output, .. weights]);
    }

    private (FilterMaxima Filters, bool[] Marks) Begin(Tensor embedded, Tensor mask, Tensor[] weights)
    {
        (int batch, int time) = ((int)embedded.shape[0], (int)embedded.shape[1]);
        bool[] marks = Marks(mask);
        FilterMaxima filters = Take(
            idle => idle.Fits(batch, time),
            () => new FilterMaxima(Parallel, batch, time, (int)embedded.shape[2], (int)weights[0].shape[0], widths));
        filters.SetBatch(Lengths(marks, batch), time);
        return (filters, marks);
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
    private IEnumerable<Tensor?> Backward(FilterMaxima filters, Tensor gradient, bool[] marks, long[]? inputShape, Tensor[]? wanted)
    {
        Tensor outer = gradient.contiguous(); // [B, W * F]
        Tensor? inputs = inputShape is null ? null : empty(inputShape); // [B, T, E]
        Tensor[]? parameters = wanted?.Select(parameter => empty(parameter.shape)).ToArray();
        float*[]? weights = null, biases = null;
        for (int i = 0; parameters is not null && i < widths.Length; i++)
        {
            (weights ??= new float*[widths.Length])[i] = Pointer(parameters[i]);
            (biases ??= new float*[widths.Length])[i] = Pointer(parameters[widths.Length + i]);
        }

        filters.Backward(Pointer(outer), inputs is null ? null : Pointer(inputs), weights, biases);
        if (inputs is not null)
        {
            CopyMarked(Pointer(inputs), marks, Pointer(inputs), (int)inputShape![2]);
        }

        return [inputs, .. parameters ?? new Tensor?[2 * widths.Length]];
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
    private static List<Tensor?> SecondBackward(FilterMaxima filters, bool[] marks, Tensor gradient, Tensor output, Tensor[] weights)
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
        Tensor[] shares = [.. output.detach().view(weights.Length, -1, 1, 1).unbind(0)]; // [F, 1, 1] each
        Tensor ofOutput = cat([.. windows.Zip(weights, (window, weight) => (window * weight.detach()).sum([1, 2]))], 0).view(output.shape);
        return [ofOutput, .. windows.Zip(shares, (window, share) => window * share)];
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
}
