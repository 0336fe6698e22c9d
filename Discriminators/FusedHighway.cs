using GumbelGan.Kernels;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Linear scores of what a highway layer carries on, on the CPU, each batch one graph node (<see cref="HighwayScore"/>). It computes what the
/// composed steps of <see cref="MultiRepresentationDiscriminator"/> define. Its gradient has no gradient of its own.
/// </summary>
/// <remarks>N rows, D width. Memory is reused once a batch's backward pass is done.</remarks>
/// <param name="isShared">Whether the transform's matrix is the gate's too.</param>
internal sealed unsafe class FusedHighway(bool isShared) : FusedPass<HighwayScore>
{
    /// <summary>The scores.</summary>
    /// <param name="features">[N, D].</param>
    /// <param name="factors">Of dropout, [N, D]; null drops nothing.</param>
    /// <param name="transform">[D, D].</param>
    /// <param name="second">The bias [D] where the transform is the gate too, else the gate [D, D].</param>
    /// <param name="output">[1, D].</param>
    /// <returns>[N].</returns>
    public Tensor Score(Tensor features, Tensor? factors, Tensor transform, Tensor second, Tensor output)
    {
        int rows = (int)features.shape[0];
        HighwayScore kernel =
            Take(memory => memory.Fits(rows), () => new HighwayScore(Parallel, rows, (int)features.shape[1], isShared));
        bool learns = transform.requires_grad;
        return Apply(
            kernel,
            () =>
            {
                Tensor scores = empty(rows); // [N]
                kernel.Forward(Pointer(features), rows, Pointer(factors), Pointer(transform), Pointer(second), Pointer(output), Pointer(scores));
                return scores;
            },
            gradient =>
            {
                Tensor outer = gradient.contiguous(), ofFeatures = empty(features.shape); // [N], [N, D]
                Tensor?[] parameters = learns ? [empty(transform.shape), empty(second.shape), empty(output.shape)] : new Tensor?[3];
                kernel.Backward(Pointer(outer), Pointer(features), rows, Pointer(factors), Pointer(transform), Pointer(second), Pointer(output),
                    new HighwayGradients
                    {
                        Features = Pointer(ofFeatures),
                        Transform = Pointer(parameters[0]),
                        BiasOrGate = Pointer(parameters[1]),
                        Output = Pointer(parameters[2]),
                    });
                return [ofFeatures, .. parameters];
            },
            [features, transform, second, output]);
    }
}
