using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// The largest singular values of a network's matrices, by power iteration: spectral normalisation (Miyato, Kataoka, Koyama and Yoshida 2018,
/// "Spectral normalization for generative adversarial networks") uses each matrix W as W / sigma(W).
/// </summary>
/// <remarks>
/// A weight of more than two dimensions is the matrix [first, all others]: the filters [F, E, width] of a convolution are [F, E * width], as in the
/// paper. Kept is the left singular vector u alone. The right one follows from it, v = W' u / |W' u|, and sigma = u' W v = |W' u|. With u held
/// constant its derivative is u v', so that the gradient of W / sigma is the paper's (section 2.3), (g - lambda u v') / sigma with lambda the sum of
/// g times W / sigma. As |W' u| is at most the largest singular value, sigma is never above it, and reaches it as u converges.
/// </remarks>
internal sealed class SpectralNorm() : nn.Module(nameof(SpectralNorm))
{
    // A random vector is far from the singular one, and sigma would be far too small in the first updates.
    private const int FirstIterations = 50;

    /// <summary>Draws a new vector for a weight, and brings it near the singular one.</summary>
    /// <param name="name">The weight's, in files.</param>
    /// <param name="weight">At least two dimensions.</param>
    /// <param name="key">Keys the vector.</param>
    public void Begin(string name, Tensor weight, RandomKey key)
    {
        float[] drawn = new float[weight.shape[0]];
        RandomFill.Normal(key, drawn);
        using IDisposable off = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor vector = tensor(drawn).to(weight.dtype, weight.device); // [out]
        if (named_buffers().Any(buffer => buffer.name == BufferName(name)))
        {
            Vector(name).copy_(vector);
        }
        else
        {
            register_buffer(BufferName(name), vector.DetachFromDisposeScope());
        }

        for (int i = 0; i < FirstIterations; i++)
        {
            Iterate(name, weight);
        }
    }

    /// <summary>One power iteration: u becomes W v / |W v|, with v = W' u / |W' u|.</summary>
    public void Iterate(string name, Tensor weight)
    {
        using IDisposable off = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor matrix = Matrix(weight), right = Vector(name).unsqueeze(0).mm(matrix); // [out, in], [1, in]
        Tensor left = matrix.mm((right / right.norm()).t()).squeeze(1); // [out]
        Vector(name).copy_(left / left.norm());
    }

    /// <summary>sigma, differentiable with respect to the weight.</summary>
    /// <returns>A scalar.</returns>
    public Tensor Sigma(string name, Tensor weight) => Vector(name).unsqueeze(0).mm(Matrix(weight)).norm();

    /// <summary>u of a weight, [out].</summary>
    public Tensor Vector(string name) => get_buffer(BufferName(name))!;

    private static Tensor Matrix(Tensor weight) => weight.dim() == 2 ? weight : weight.view(weight.shape[0], -1); // [out, in]

    // A buffer's name may hold no dot.
    private static string BufferName(string weightName) => weightName.Replace('.', '_');
}
